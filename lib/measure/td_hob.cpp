#include "measure/td_hob.hpp"

#include "measure/machine_layout.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

constexpr std::size_t max_varint = 10; ///< bytes of a 64-bit LEB128 number
constexpr std::uint32_t section_td_hob = 2;
constexpr std::uint32_t section_temp_memory = 3;

constexpr std::uint16_t hob_handoff = 1;
constexpr std::uint16_t hob_resource = 3;
constexpr std::uint16_t handoff_size = 56;
constexpr std::uint16_t resource_size = 48;
constexpr std::size_t end_of_list_size = 8;
constexpr std::uint32_t memory_accepted = 0;
constexpr std::uint32_t memory_unaccepted = 7;
constexpr std::uint32_t resource_attributes = 7; ///< present, initialised, tested

constexpr std::uint64_t high_memory_start = 4 * gib;

struct Resource {
  std::uint32_t type = 0;
  std::uint64_t start = 0;
  std::uint64_t size = 0;
};

Status check_layout(const TdHobLayout& layout)
{
  if (layout.accepted.empty() || layout.accepted.size() > max_sections)
    return fail(Errc::malformed, "{} memory ranges of the firmware (want 1 to {})",
                layout.accepted.size(), max_sections);
  std::uint64_t end = 0;
  for (const MemoryRange& range : layout.accepted) {
    if (range.start % page_size != 0 || range.size % page_size != 0 || range.size == 0)
      return fail(Errc::malformed, "memory range at {:#x} is not whole pages", range.start);
    if (range.start < end)
      return fail(Errc::malformed, "memory ranges overlap at {:#x}", range.start);
    if (range.start > max_memory || range.size > max_memory)
      return fail(Errc::malformed, "memory range at {:#x} out of bounds", range.start);
    end = range.start + range.size;
  }
  if (layout.hob_address % page_size != 0 || layout.hob_address > max_memory)
    return fail(Errc::malformed, "TD HOB at {:#x}", layout.hob_address);
  return ok();
}

void write_varint(ByteWriter& out, std::uint64_t value)
{
  constexpr std::uint64_t low_bits = 0x7f;
  for (; value > low_bits; value >>= 7U)
    out.u8(static_cast<std::uint8_t>((value & low_bits) | 0x80U));
  out.u8(static_cast<std::uint8_t>(value));
}

Result<std::uint64_t> read_varint(ByteReader& in)
{
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < max_varint; ++i) {
    const std::uint8_t byte = TRY(in.u8());
    if (i + 1 == max_varint && byte > 1) return fail(Errc::malformed, "number beyond 64 bits");
    if (i > 0 && byte == 0) return fail(Errc::malformed, "number longer than it need be");
    out |= std::uint64_t{byte & 0x7fU} << 7U * i;
    if ((byte & 0x80U) == 0) return out;
  }
  return fail(Errc::malformed, "number beyond 64 bits");
}

/// A number of pages as bytes.
Result<std::uint64_t> read_pages(ByteReader& in, std::string_view what)
{
  const std::uint64_t pages = TRY(read_varint(in).within("{}", what));
  if (pages > max_memory / page_size)
    return fail(Errc::malformed, "{}: {} pages out of bounds", what, pages);
  return pages * page_size;
}

/// Unaccepted memory around the firmware's own, up to the end of memory.
Result<std::vector<Resource>> resources_of(const TdHobLayout& layout, std::uint64_t memory)
{
  std::vector<Resource> out;
  std::uint64_t at = 0;
  for (const MemoryRange& range : layout.accepted) {
    if (range.start > at) out.push_back({memory_unaccepted, at, range.start - at});
    out.push_back({memory_accepted, range.start, range.size});
    at = range.start + range.size;
  }
  if (memory <= at)
    return fail(Errc::config, "{} bytes of memory (the firmware itself takes {})", memory, at);
  if (memory < split_memory) {
    out.push_back({memory_unaccepted, at, memory - at});
    return out;
  }
  if (at < low_memory_of_split) out.push_back({memory_unaccepted, at, low_memory_of_split - at});
  out.push_back({memory_unaccepted, high_memory_start, memory - low_memory_of_split});
  return out;
}

void write_resource(ByteWriter& out, const Resource& resource)
{
  out.u16le(hob_resource).u16le(resource_size).u32le(0).zeros(16);
  out.u32le(resource.type).u32le(resource_attributes);
  out.u64le(resource.start).u64le(resource.size);
}

} // namespace

Result<TdHobLayout> td_hob_layout(const std::vector<TdvfSection>& sections)
{
  TdHobLayout out;
  bool found = false;
  for (const TdvfSection& section : sections) {
    if (section.type != section_td_hob && section.type != section_temp_memory) continue;
    out.accepted.push_back({section.memory_address, section.memory_size});
    if (section.type != section_td_hob) continue;
    if (found) return fail(Errc::malformed, "firmware with two TD HOB sections");
    found = true;
    out.hob_address = section.memory_address;
  }
  if (!found) return fail(Errc::unsupported, "firmware without a TD HOB section");
  std::sort(out.accepted.begin(), out.accepted.end());
  TRY(check_layout(out));
  return out;
}

Bytes write_witness(const TdHobLayout& layout)
{
  ByteWriter out;
  const std::uint64_t base = layout.accepted.empty() ? 0 : layout.accepted.front().start;
  write_varint(out, base / page_size);
  write_varint(out, (layout.hob_address - base) / page_size);
  write_varint(out, layout.accepted.size());
  for (const MemoryRange& range : layout.accepted) {
    write_varint(out, (range.start - base) / page_size);
    write_varint(out, range.size / page_size);
  }
  return out.take();
}

Result<TdHobLayout> parse_witness(ByteView witness)
{
  ByteReader in{witness};
  const std::uint64_t base = TRY(read_pages(in, "TD HOB witness: base"));
  TdHobLayout out;
  out.hob_address = base + TRY(read_pages(in, "TD HOB witness: TD HOB"));
  const std::uint64_t count = TRY(read_varint(in).within("TD HOB witness: count"));
  if (count == 0 || count > max_sections)
    return fail(Errc::malformed, "TD HOB witness: {} ranges (want 1 to {})", count, max_sections);
  for (std::uint64_t i = 0; i < count; ++i) {
    MemoryRange range;
    range.start = base + TRY(read_pages(in, "TD HOB witness: range"));
    range.size = TRY(read_pages(in, "TD HOB witness: range"));
    out.accepted.push_back(range);
  }
  TRY(in.finish().within("TD HOB witness"));
  TRY(check_layout(out).within("TD HOB witness"));
  if (out.accepted.front().start != base)
    return fail(Errc::malformed, "TD HOB witness: base {:#x} is not the first range's", base);
  return out;
}

Result<Bytes> td_hob(const TdHobLayout& layout, std::uint64_t memory_bytes)
{
  TRY(check_layout(layout));
  if (memory_bytes > max_memory)
    return fail(Errc::config, "{} bytes of memory (limit {})", memory_bytes, max_memory);
  const auto resources = TRY(resources_of(layout, memory_bytes));
  const std::size_t size = handoff_size + resources.size() * resource_size;
  constexpr std::uint32_t version = 9;
  ByteWriter out;
  out.u16le(hob_handoff).u16le(handoff_size).u32le(0).u32le(version).u32le(0).zeros(32);
  out.u64le(layout.hob_address + size + end_of_list_size);
  for (const Resource& resource : resources)
    write_resource(out, resource);
  return out.take();
}

} // namespace dstack::measure
