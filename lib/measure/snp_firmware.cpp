#include "measure/machine_layout.hpp"
#include "measure/snp_launch.hpp"

namespace dstack::measure {

namespace {

constexpr std::uint64_t firmware_end = 4 * gib;
constexpr std::uint32_t metadata_version = 1;

/// 7255371f-3a3b-4b04-927b-1da6efa8d454, 00f771de-1a7e-4fcb-890e-68c77e2fb44e and
/// dc886566-984a-4798-a75e-5585a7bf67cc as stored.
constexpr Guid hash_table_guid{0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
                               0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54};
constexpr Guid reset_guid{0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f,
                          0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e};
constexpr Guid metadata_guid{0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47,
                             0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc};

Result<std::uint32_t> first_u32(const GuidTable& table, const Guid& guid, std::string_view name)
{
  const auto entry = table.find(guid);
  if (!entry) return fail(Errc::unsupported, "firmware has no {}", name);
  ByteReader in{*entry};
  return in.u32le().within("{}", name);
}

Result<std::vector<SnpSection>> sections_of(ByteView firmware, const GuidTable& table)
{
  const auto entry = table.find(metadata_guid);
  if (!entry) return fail(Errc::unsupported, "firmware has no SEV metadata");
  ByteReader in{TRY(descriptor_of(firmware, *entry))};
  if (as_text(TRY(in.take(4))) != "ASEV") return fail(Errc::malformed, "no ASEV signature");
  static_cast<void>(TRY(in.u32le().within("length")));
  const std::uint32_t version = TRY(in.u32le().within("version"));
  if (version != metadata_version)
    return fail(Errc::unsupported, "version {} (want {})", version, metadata_version);
  const std::uint32_t count = TRY(in.u32le().within("number of sections"));
  if (count > max_snp_sections)
    return fail(Errc::malformed, "{} sections (limit {})", count, max_snp_sections);
  std::vector<SnpSection> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    SnpSection section;
    section.address = TRY(in.u32le().within("section {}", i));
    section.size = TRY(in.u32le().within("section {}", i));
    section.type = TRY(in.u32le().within("section {}", i));
    out.push_back(section);
  }
  return out;
}

crypto::Sha384Digest digest_of(ByteView firmware)
{
  SnpLaunch launch;
  const std::uint64_t start = firmware_end - firmware.size();
  for (std::uint64_t at = 0; at < firmware.size(); at += page_size)
    launch.add(SnpLaunch::Page::normal, start + at,
               crypto::sha384(firmware.subspan(at, page_size)));
  return launch.digest();
}

} // namespace

Result<SnpFirmware> snp_firmware(ByteView firmware)
{
  const GuidTable table = TRY(GuidTable::of(firmware));
  if (firmware.size() % page_size != 0)
    return fail(Errc::malformed, "firmware of {} bytes: not whole pages", firmware.size());
  SnpFirmware out;
  out.hash_table_address = TRY(first_u32(table, hash_table_guid, "SEV hash table"));
  if (out.hash_table_address == 0)
    return fail(Errc::unsupported,
                "firmware takes no kernel hashes: only edk2's AmdSevX64 measures the kernel");
  out.reset_eip = TRY(first_u32(table, reset_guid, "SEV-ES reset block"));
  out.sections = TRY(sections_of(firmware, table).within("SEV metadata"));
  out.digest = digest_of(firmware);
  return out;
}

} // namespace dstack::measure
