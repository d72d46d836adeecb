#include "image/gpt.hpp"

#include "image/crc32.hpp"

#include <algorithm>

namespace dstack::image {

namespace {

constexpr std::uint32_t entry_count = 128;
constexpr std::uint32_t entry_size = 128;
constexpr std::size_t name_units = 36;
constexpr std::uint32_t header_size = 92;
constexpr std::uint32_t revision = 0x00010000;
constexpr std::string_view signature = "EFI PART";

/// Positions of the bytes of the text form within the stored form.
constexpr std::array<std::size_t, 16> text_order = {3, 2, 1,  0,  5,  4,  7,  6,
                                                    8, 9, 10, 11, 12, 13, 14, 15};

Bytes entries(const PartitionTable& table)
{
  ByteWriter out;
  for (const Partition& partition : table.partitions) {
    out.put(partition.type).put(partition.id);
    out.u64le(partition.first_lba).u64le(partition.last_lba).u64le(0);
    for (std::size_t i = 0; i < name_units; ++i)
      out.u16le(i < partition.name.size() ? static_cast<std::uint8_t>(partition.name[i]) : 0);
  }
  out.zeros(std::size_t{entry_count} * entry_size - out.size());
  return out.take();
}

struct HeaderPlace {
  std::uint64_t here;
  std::uint64_t other;
  std::uint64_t entries;
};

Bytes header(const PartitionTable& table,
             const HeaderPlace& at,
             std::uint64_t disk_sectors,
             std::uint32_t entries_crc)
{
  const auto build = [&](std::uint32_t own_crc) {
    ByteWriter out;
    out.text(signature).u32le(revision).u32le(header_size).u32le(own_crc).u32le(0);
    out.u64le(at.here).u64le(at.other);
    out.u64le(gpt_head_sectors).u64le(disk_sectors - gpt_tail_sectors - 1);
    out.put(table.disk).u64le(at.entries).u32le(entry_count).u32le(entry_size);
    out.u32le(entries_crc);
    return out;
  };
  ByteWriter out = build(crc32(build(0).bytes()));
  out.zeros(sector_size - out.size());
  return out.take();
}

/// One partition of type 0xee over the whole disk, so that old tools keep their hands off.
Bytes protective_mbr(std::uint64_t disk_sectors)
{
  constexpr std::size_t table_at = 446;
  constexpr std::uint64_t most = 0xffffffffU;
  ByteWriter out;
  out.zeros(table_at).u8(0).u8(0).u8(2).u8(0).u8(0xee).u8(0xff).u8(0xff).u8(0xff);
  out.u32le(1).u32le(static_cast<std::uint32_t>(std::min(disk_sectors - 1, most)));
  out.zeros(48).u8(0x55).u8(0xaa);
  return out.take();
}

Status check(const PartitionTable& table, std::uint64_t disk_sectors)
{
  if (disk_sectors < gpt_head_sectors + gpt_tail_sectors + 1)
    return fail(Errc::malformed, "a disk of {} sectors is too small for GPT", disk_sectors);
  if (table.partitions.size() > entry_count)
    return fail(Errc::malformed, "{} partitions", table.partitions.size());
  std::uint64_t free_from = gpt_head_sectors;
  for (const Partition& partition : table.partitions) {
    if (partition.first_lba < free_from || partition.last_lba < partition.first_lba ||
        partition.last_lba >= disk_sectors - gpt_tail_sectors)
      return fail(Errc::malformed, "partition \"{}\" from sector {} to {} does not fit",
                  partition.name, partition.first_lba, partition.last_lba);
    if (partition.name.size() > name_units)
      return fail(Errc::malformed, "partition name \"{}\" is too long", partition.name);
    free_from = partition.last_lba + 1;
  }
  return ok();
}

Result<Partition> parse_entry(ByteReader& in)
{
  Partition out;
  out.type = TRY(in.array<16>());
  out.id = TRY(in.array<16>());
  out.first_lba = TRY(in.u64le());
  out.last_lba = TRY(in.u64le());
  TRY(in.u64le());
  bool ended = false;
  for (std::size_t i = 0; i < name_units; ++i) {
    const std::uint16_t unit = TRY(in.u16le());
    ended = ended || unit == 0;
    constexpr std::uint16_t first_printable = 0x20;
    constexpr std::uint16_t last_printable = 0x7e;
    if (!ended)
      out.name += unit >= first_printable && unit <= last_printable ? static_cast<char>(unit) : '?';
  }
  return out;
}

struct GptHeader {
  Guid disk{};
  std::uint32_t entries_crc = 0;
};

Result<GptHeader> parse_header(ByteView sector)
{
  ByteReader in{sector};
  if (as_text(TRY(in.take(signature.size()))) != signature)
    return fail(Errc::malformed, "no GPT signature");
  if (TRY(in.u32le()) != revision || TRY(in.u32le()) != header_size)
    return fail(Errc::unsupported, "GPT of another revision");
  const std::uint32_t crc = TRY(in.u32le());
  Bytes plain = to_bytes(sector.first(header_size));
  constexpr std::ptrdiff_t crc_at = 16;
  std::fill_n(plain.begin() + crc_at, 4, std::uint8_t{0});
  if (crc32(plain) != crc) return fail(Errc::malformed, "checksum of the GPT header is wrong");
  TRY(in.u32le());
  if (TRY(in.u64le()) != 1) return fail(Errc::malformed, "GPT header is not in sector 1");
  TRY(in.take(24)); // backup header and usable range: the partitions are checked on their own
  GptHeader out;
  out.disk = TRY(in.array<16>());
  if (TRY(in.u64le()) != 2 || TRY(in.u32le()) != entry_count || TRY(in.u32le()) != entry_size)
    return fail(Errc::unsupported, "GPT entries are not 128 of 128 bytes in sector 2");
  out.entries_crc = TRY(in.u32le());
  return out;
}

} // namespace

Result<Guid> parse_guid(std::string_view text)
{
  constexpr std::array<std::size_t, 4> dashes = {8, 13, 18, 23};
  constexpr std::size_t length = 36;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = std::find(dashes.begin(), dashes.end(), i) != dashes.end();
    if (dash != (text[i] == '-')) return fail(Errc::malformed, "\"{}\" is no GUID", text);
    if (!dash) digits += text[i];
  }
  if (text.size() != length) return fail(Errc::malformed, "\"{}\" is no GUID", text);
  const auto raw = TRY(parse_hex_array<16>(digits));
  Guid out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[text_order[i]] = raw[i];
  return out;
}

std::string format_guid(const Guid& guid)
{
  Guid ordered{};
  for (std::size_t i = 0; i < guid.size(); ++i)
    ordered[i] = guid[text_order[i]];
  std::string text = hex(ordered);
  for (const std::size_t at : {20U, 16U, 12U, 8U})
    text.insert(at, "-");
  return text;
}

Result<GptBytes> write_gpt(const PartitionTable& table, std::uint64_t disk_sectors)
{
  TRY(check(table, disk_sectors));
  const Bytes list = entries(table);
  const std::uint32_t crc = crc32(list);
  const std::uint64_t last = disk_sectors - 1;
  const std::uint64_t backup_entries = disk_sectors - gpt_tail_sectors;
  const Bytes primary = header(table, {1, last, 2}, disk_sectors, crc);
  const Bytes backup = header(table, {last, 1, backup_entries}, disk_sectors, crc);
  return GptBytes{concat({protective_mbr(disk_sectors), primary, list}), concat({list, backup})};
}

Result<PartitionTable> parse_gpt(ByteView head, std::uint64_t disk_sectors)
{
  if (head.size() < gpt_head_sectors * sector_size)
    return fail(Errc::malformed, "{} bytes are no partition table", head.size());
  const GptHeader found = TRY(parse_header(head.subspan(sector_size, sector_size)));
  const ByteView list = head.subspan(2 * sector_size, std::size_t{entry_count} * entry_size);
  if (crc32(list) != found.entries_crc)
    return fail(Errc::malformed, "checksum of the GPT entries is wrong");
  PartitionTable out;
  out.disk = found.disk;
  ByteReader in{list};
  for (std::uint32_t i = 0; i < entry_count; ++i) {
    Partition partition = TRY(parse_entry(in));
    if (partition.type != Guid{}) out.partitions.push_back(std::move(partition));
  }
  TRY(check(out, disk_sectors));
  return out;
}

} // namespace dstack::image
