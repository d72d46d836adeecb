#include "measure/guid_table.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

/// The table ends this many bytes before the end of the file.
constexpr std::size_t table_end_offset = 32;
/// An entry is data, u16 size of all of it, GUID; so is the table, whose data are the entries.
constexpr std::size_t tail_size = sizeof(Guid) + 2;
/// 96b582de-1fb2-45f7-baea-a366c55a082d
constexpr Guid table_guid{0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                          0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};

std::size_t size_of_last(ByteView entries)
{
  const ByteView at = entries.last(tail_size);
  return static_cast<std::size_t>(at[0] | at[1] << 8U);
}

} // namespace

Result<GuidTable> GuidTable::of(ByteView firmware)
{
  if (firmware.size() > max_firmware_size)
    return fail(Errc::malformed, "firmware of {} bytes (limit {})", firmware.size(),
                max_firmware_size);
  if (firmware.size() < table_end_offset + tail_size)
    return fail(Errc::malformed, "firmware of {} bytes has no GUID table", firmware.size());
  ByteView left = firmware.first(firmware.size() - table_end_offset);
  if (!equal(left.last(sizeof(Guid)), table_guid))
    return fail(Errc::unsupported, "firmware has no GUID table: it is made for no confidential VM");
  const std::size_t total = size_of_last(left);
  if (total < tail_size || total > left.size())
    return fail(Errc::malformed, "GUID table of {} bytes", total);
  left = left.last(total).first(total - tail_size);
  GuidTable out;
  while (left.size() >= tail_size) {
    const std::size_t size = size_of_last(left);
    if (size < tail_size || size > left.size())
      return fail(Errc::malformed, "GUID table entry of {} bytes", size);
    const ByteView entry = left.last(size);
    Entry found;
    std::copy_n(entry.end() - sizeof(Guid), sizeof(Guid), found.guid.begin());
    found.data = entry.first(size - tail_size);
    out.entries_.push_back(found);
    left = left.first(left.size() - size);
  }
  return out;
}

std::optional<ByteView> GuidTable::find(const Guid& guid) const
{
  const auto at = std::find_if(entries_.begin(), entries_.end(),
                               [&](const Entry& entry) { return entry.guid == guid; });
  if (at == entries_.end()) return std::nullopt;
  return at->data;
}

Result<ByteView> descriptor_of(ByteView firmware, ByteView entry)
{
  if (entry.size() < 4) return fail(Errc::malformed, "entry of {} bytes", entry.size());
  ByteReader in{entry.last(4)};
  const std::uint32_t from_end = TRY(in.u32le());
  if (from_end > firmware.size()) return fail(Errc::malformed, "lies outside the file");
  return firmware.last(from_end);
}

} // namespace dstack::measure
