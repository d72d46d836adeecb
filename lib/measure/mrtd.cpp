#include "measure/mrtd.hpp"

#include "measure/machine_layout.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

constexpr std::uint64_t chunk_size = 256;
constexpr std::size_t block_size = 128;
/// e47a6535-984a-4798-865e-4685a7bf8ec2 as stored.
constexpr Guid tdx_metadata{0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
                            0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2};

Result<TdvfSection> parse_section(ByteReader& in)
{
  TdvfSection s;
  s.data_offset = TRY(in.u32le());
  s.raw_size = TRY(in.u32le());
  s.memory_address = TRY(in.u64le());
  s.memory_size = TRY(in.u64le());
  s.type = TRY(in.u32le());
  s.attributes = TRY(in.u32le());
  return s;
}

Status check_section(const TdvfSection& s, std::size_t firmware_size)
{
  if (s.memory_address % page_size != 0 || s.memory_size % page_size != 0)
    return fail(Errc::malformed, "memory range is not whole pages");
  if (s.memory_size > (std::uint64_t{1} << 32U) || s.memory_address > (std::uint64_t{1} << 52U))
    return fail(Errc::malformed, "memory range out of bounds");
  if (s.memory_size < s.raw_size) return fail(Errc::malformed, "data larger than its memory");
  const std::uint64_t used = s.measured() ? s.memory_size : s.raw_size;
  if (s.data_offset > firmware_size || used > firmware_size - s.data_offset)
    return fail(Errc::malformed, "data lies outside the file");
  return ok();
}

using Block = std::array<std::uint8_t, block_size>;

Block block_of(std::string_view operation, std::uint64_t address)
{
  constexpr std::size_t address_offset = 16;
  Block out{};
  std::copy(operation.begin(), operation.end(), out.begin());
  for (std::size_t i = 0; i < 8; ++i)
    out[address_offset + i] = static_cast<std::uint8_t>(address >> 8 * i);
  return out;
}

void add_page(crypto::Sha384& hash, std::uint64_t address)
{
  hash.update(block_of("MEM.PAGE.ADD", address));
}

void extend_page(crypto::Sha384& hash, std::uint64_t address, ByteView page)
{
  for (std::uint64_t at = 0; at < page_size; at += chunk_size) {
    hash.update(block_of("MR.EXTEND", address + at));
    hash.update(page.subspan(at, chunk_size));
  }
}

void measure_section(crypto::Sha384& hash,
                     const TdvfSection& section,
                     ByteView firmware,
                     PageOrder order)
{
  const auto page = [&](std::uint64_t at) {
    return firmware.subspan(section.data_offset + at, page_size);
  };
  for (std::uint64_t at = 0; at < section.memory_size; at += page_size) {
    if (!section.added_later()) add_page(hash, section.memory_address + at);
    if (section.measured() && order == PageOrder::single_pass)
      extend_page(hash, section.memory_address + at, page(at));
  }
  if (!section.measured() || order != PageOrder::two_pass) return;
  for (std::uint64_t at = 0; at < section.memory_size; at += page_size)
    extend_page(hash, section.memory_address + at, page(at));
}

} // namespace

Result<std::vector<TdvfSection>> tdvf_sections(ByteView firmware)
{
  const GuidTable table = TRY(GuidTable::of(firmware));
  const std::optional<ByteView> entry = table.find(tdx_metadata);
  if (!entry) return fail(Errc::unsupported, "firmware has no TDX metadata");
  ByteReader in{TRY(descriptor_of(firmware, *entry).within("TDX metadata"))};
  if (as_text(TRY(in.take(4).within("TDX metadata"))) != "TDVF")
    return fail(Errc::malformed, "TDX metadata has no TDVF signature");
  static_cast<void>(TRY(in.u32le().within("TDX metadata length")));
  const std::uint32_t version = TRY(in.u32le().within("TDX metadata version"));
  if (version != 1) return fail(Errc::unsupported, "TDX metadata version {} (want 1)", version);
  const std::uint32_t count = TRY(in.u32le().within("TDX metadata sections"));
  if (count > max_sections)
    return fail(Errc::malformed, "{} firmware sections (limit {})", count, max_sections);
  std::vector<TdvfSection> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    out.push_back(TRY(parse_section(in).within("firmware section {}", i)));
    TRY(check_section(out.back(), firmware.size()).within("firmware section {}", i));
  }
  return out;
}

Result<crypto::Sha384Digest> mrtd(ByteView firmware, PageOrder order)
{
  const auto sections = TRY(tdvf_sections(firmware));
  crypto::Sha384 hash;
  for (const TdvfSection& section : sections)
    measure_section(hash, section, firmware, order);
  return hash.finish();
}

} // namespace dstack::measure
