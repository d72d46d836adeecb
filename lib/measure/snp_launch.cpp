#include "measure/snp_launch.hpp"

#include "base/text.hpp"
#include "measure/machine_layout.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

constexpr std::uint64_t vmsa_address = 0xFFFF'FFFF'F000;
constexpr std::uint32_t reset_vector = 0xFFFF'FFF0; ///< where the first processor starts
constexpr std::string_view root_hash_word = "dstack.rootfs_hash=";

namespace section {
constexpr std::uint32_t memory = 1;
constexpr std::uint32_t secrets = 2;
constexpr std::uint32_t cpuid = 3;
constexpr std::uint32_t svsm = 4;
constexpr std::uint32_t kernel_hashes = 16;
} // namespace section

/// 9438d606-4f22-4cc9-b479-a793d411fd21, then those of command line, initrd and kernel, as stored
/// (QEMU target/i386/sev.c).
constexpr Guid hashes_guid{0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c,
                           0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21};
constexpr Guid cmdline_guid{0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c,
                            0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a};
constexpr Guid initrd_guid{0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b,
                           0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d};
constexpr Guid kernel_guid{0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42,
                           0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b};

/// The page of which QEMU fills a table with the hashes of what it loads beside the firmware.
Result<Bytes> hash_page(const SnpImage& image)
{
  constexpr std::uint16_t entry_size = sizeof(Guid) + 2 + sizeof(crypto::Sha256Digest);
  constexpr std::uint16_t table_size = sizeof(Guid) + 2 + 3 * entry_size;
  const std::uint64_t offset = image.firmware.hash_table_address % page_size;
  if (offset + table_size > page_size)
    return fail(Errc::unsupported, "kernel hashes do not fit their page");
  const std::string cmdline{trim(image.cmdline)};
  constexpr std::array<std::uint8_t, 1> nul{0};
  ByteWriter out;
  out.zeros(offset).put(hashes_guid).u16le(table_size);
  const auto entry = [&](const Guid& guid, const crypto::Sha256Digest& digest) {
    out.put(guid).u16le(entry_size).put(digest);
  };
  entry(cmdline_guid, crypto::sha256(concat({as_bytes(cmdline), nul})));
  entry(initrd_guid, image.initrd);
  entry(kernel_guid, image.kernel);
  return out.zeros(page_size - out.size()).take();
}

Status check_page(const SnpSection& section)
{
  if (section.size == page_size) return ok();
  return fail(Errc::malformed, "section of type {} has {} bytes (want {})", section.type,
              section.size, page_size);
}

/// Whole pages, not more than the limit in all.
Status check_sections(const std::vector<SnpSection>& sections)
{
  if (sections.size() > max_snp_sections)
    return fail(Errc::malformed, "{} sections (limit {})", sections.size(), max_snp_sections);
  std::uint64_t pages = 0;
  std::size_t tables = 0;
  for (const SnpSection& s : sections) {
    if (s.address % page_size != 0 || s.size % page_size != 0)
      return fail(Errc::malformed, "section is not whole pages");
    if (s.size / page_size > max_snp_pages - pages)
      return fail(Errc::malformed, "more than {} pages", max_snp_pages);
    if (s.address > std::uint64_t{1} << 52U)
      return fail(Errc::malformed, "section at an address that no machine has");
    pages += s.size / page_size;
    if (s.type == section::kernel_hashes) ++tables;
  }
  if (tables == 1) return ok();
  return fail(Errc::unsupported, "firmware has {} sections for kernel hashes (want 1)", tables);
}

Status add_section(SnpLaunch& launch, const SnpSection& s, ByteView hashes)
{
  switch (s.type) {
  case section::memory:
  case section::svsm:
    for (std::uint64_t at = 0; at < s.size; at += page_size)
      launch.add(SnpLaunch::Page::zero, s.address + at, {});
    return ok();
  case section::secrets:
    TRY(check_page(s));
    launch.add(SnpLaunch::Page::secrets, s.address, {});
    return ok();
  case section::cpuid:
    TRY(check_page(s));
    launch.add(SnpLaunch::Page::cpuid, s.address, {});
    return ok();
  case section::kernel_hashes:
    TRY(check_page(s));
    launch.add(SnpLaunch::Page::normal, s.address, crypto::sha384(hashes));
    return ok();
  default:
    return fail(Errc::unsupported, "section of type {}", s.type);
  }
}

/// A page with fields at offsets, little-endian.
class Page {
public:
  void put(std::size_t offset, std::uint64_t value, std::size_t size)
  {
    for (std::size_t i = 0; i < size; ++i)
      bytes_.at(offset + i) = static_cast<std::uint8_t>(value >> 8 * i);
  }
  void segment(std::size_t offset,
               std::uint16_t selector,
               std::uint16_t attributes,
               std::uint32_t limit,
               std::uint64_t base)
  {
    put(offset, selector, 2);
    put(offset + 2, attributes, 2);
    put(offset + 4, limit, 4);
    put(offset + 8, base, 8);
  }
  ByteView bytes() const { return bytes_; }

private:
  std::array<std::uint8_t, page_size> bytes_{};
};

/// A processor's registers at reset as KVM sets them.
crypto::Sha384Digest vmsa(std::uint32_t eip, std::uint32_t signature, std::uint64_t features)
{
  Page page;
  constexpr std::uint16_t data = 0x93;
  constexpr std::uint32_t limit = 0xffff;
  for (const std::size_t offset : {0x00U, 0x20U, 0x30U, 0x40U, 0x50U}) // ES SS DS FS GS
    page.segment(offset, 0, data, limit, 0);
  page.segment(0x10, 0xf000, 0x9b, limit, eip & 0xffff'0000U); // CS
  page.segment(0x60, 0, 0, limit, 0);                          // GDTR
  page.segment(0x70, 0, 0x82, limit, 0);                       // LDTR
  page.segment(0x80, 0, 0, limit, 0);                          // IDTR
  page.segment(0x90, 0, 0x8b, limit, 0);                       // TR
  page.put(0xd0, 0x1000, 8);                                   // EFER: SVME
  page.put(0x148, 0x40, 8);                                    // CR4: MCE
  page.put(0x158, 0x10, 8);                                    // CR0: ET
  page.put(0x160, 0x400, 8);                                   // DR7
  page.put(0x168, 0xffff'0ff0, 8);                             // DR6
  page.put(0x170, 2, 8);                                       // RFLAGS
  page.put(0x178, eip & 0xffffU, 8);                           // RIP
  page.put(0x268, 0x0007'0406'0007'0406, 8);                   // G_PAT
  page.put(0x310, signature, 8);                               // RDX
  page.put(0x3b0, features, 8);                                // SEV_FEATURES
  page.put(0x3e8, 1, 8);                                       // XCR0
  page.put(0x408, 0x1f80, 4);                                  // MXCSR
  page.put(0x410, 0x37f, 2);                                   // x87 FCW
  return crypto::sha384(page.bytes());
}

Status check_cmdline(std::string_view cmdline)
{
  std::size_t found = 0;
  for (const std::string_view word : split(cmdline, ' '))
    if (word.starts_with(root_hash_word)) ++found;
  if (found == 1) return ok();
  return fail(Errc::untrusted, "the kernel command line has {} words {} (want 1)", found,
              root_hash_word);
}

Status check_shape(const SnpShape& shape)
{
  if (shape.cpus == 0 || shape.cpus > max_snp_cpus)
    return fail(Errc::unsupported, "{} processors (want 1 to {})", shape.cpus, max_snp_cpus);
  if (shape.guest_features != 1)
    return fail(Errc::untrusted, "guest features {:#x} (want 0x1)", shape.guest_features);
  return ok();
}

} // namespace

void SnpLaunch::add(Page type, std::uint64_t address, const crypto::Sha384Digest& contents)
{
  constexpr std::uint16_t info_size = 0x70;
  ByteWriter out;
  out.put(digest_).put(contents).u16le(info_size).u8(static_cast<std::uint8_t>(type)).u8(0);
  digest_ = crypto::sha384(out.u32le(0).u64le(address).bytes());
}

Result<std::uint32_t> cpu_signature(std::string_view cpu_type)
{
  constexpr std::array<std::pair<std::string_view, std::uint32_t>, 4> families{
      {{"EPYC", 0x80'0f12},
       {"EPYC-Rome", 0x83'0f10},
       {"EPYC-Milan", 0xa0'0f11},
       {"EPYC-Genoa", 0xa1'0f10}}};
  std::string_view family = cpu_type;
  const std::size_t version = family.rfind("-v");
  if (version != std::string_view::npos && parse_u64(family.substr(version + 2)))
    family = family.substr(0, version);
  if (family == "EPYC-IBPB") family = "EPYC";
  const auto* const found = std::find_if(families.begin(), families.end(),
                                         [&](const auto& one) { return one.first == family; });
  if (found == families.end())
    return fail(Errc::unsupported, "CPU type '{}' (want EPYC, -Rome, -Milan or -Genoa)",
                printable(cpu_type));
  return found->second;
}

Result<crypto::Sha384Digest> snp_launch_digest(const SnpImage& image, const SnpShape& shape)
{
  TRY(check_shape(shape));
  TRY(check_cmdline(image.cmdline));
  const std::uint32_t signature = TRY(cpu_signature(shape.cpu_type));
  TRY(check_sections(image.firmware.sections));
  const Bytes hashes = TRY(hash_page(image));
  SnpLaunch launch{image.firmware.digest};
  for (const SnpSection& section : image.firmware.sections)
    TRY(add_section(launch, section, hashes));
  const auto first = vmsa(reset_vector, signature, shape.guest_features);
  const auto others = vmsa(image.firmware.reset_eip, signature, shape.guest_features);
  for (std::uint32_t i = 0; i < shape.cpus; ++i)
    launch.add(SnpLaunch::Page::vmsa, vmsa_address, i == 0 ? first : others);
  return launch.digest();
}

} // namespace dstack::measure
