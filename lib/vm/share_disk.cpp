#include "vm/share_disk.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::vm {

namespace {

// Names and limits: spec guest 16.1.
constexpr std::size_t mebibyte = std::size_t{1} << 20U;
struct KnownFile {
  std::string_view name;
  std::uint64_t max_bytes;
};
constexpr std::array known_files{
    KnownFile{"app-compose.json", 50 * mebibyte}, KnownFile{".sys-config.json", 32 * 1024},
    KnownFile{".instance_info", 10 * 1024}, KnownFile{".encrypted-env", 256 * 1024},
    KnownFile{".user-config", 50 * mebibyte}};

// Layout: Microsoft "FAT32 File System Specification", version 1.03.
constexpr std::uint32_t sector = 512; // also the cluster: the smallest disk that is FAT32
constexpr std::uint32_t reserved_sectors = 32;
constexpr std::uint32_t fat_copies = 2;
constexpr std::uint32_t least_clusters = 65525 + 16; // below 65525 it would be read as FAT16
constexpr std::uint32_t root_cluster = 2;
constexpr std::uint32_t info_sector = 1;
constexpr std::uint32_t backup_sector = 6;
constexpr std::uint32_t end_of_chain = 0x0fffffff;
constexpr std::uint32_t volume_serial = 0xd57ac000;
constexpr std::uint16_t first_january_1980 = 0x0021;
constexpr std::uint8_t attribute_archive = 0x20;
constexpr std::uint8_t attribute_label = 0x08;
constexpr std::uint8_t attribute_long_name = 0x0f;
constexpr std::string_view label = "DSTACKSHR  "; // padded to 11
constexpr std::size_t entry_bytes = 32;
constexpr std::size_t long_name_chars = 13;

struct Geometry {
  std::uint32_t clusters = 0;
  std::uint32_t fat_sectors = 0;
  std::uint32_t used_clusters = 0;
  std::uint64_t data_start() const
  {
    return std::uint64_t{reserved_sectors + fat_copies * fat_sectors} * sector;
  }
  std::uint64_t offset_of(std::uint32_t cluster) const
  {
    return data_start() + std::uint64_t{cluster - root_cluster} * sector;
  }
  std::uint32_t total_sectors() const
  {
    return reserved_sectors + fat_copies * fat_sectors + clusters;
  }
};

std::uint32_t sectors_for(std::uint64_t bytes)
{
  return static_cast<std::uint32_t>((bytes + sector - 1) / sector);
}

std::size_t long_entries(std::string_view name)
{
  return (name.size() + long_name_chars - 1) / long_name_chars;
}

std::size_t directory_bytes(const std::vector<ShareFile>& files)
{
  std::size_t entries = 1; // the label
  for (const ShareFile& file : files)
    entries += long_entries(file.name) + 1;
  return entries * entry_bytes;
}

Geometry geometry_for(const std::vector<ShareFile>& files)
{
  Geometry g;
  g.used_clusters = sectors_for(directory_bytes(files));
  for (const ShareFile& file : files)
    g.used_clusters += sectors_for(file.content.size());
  g.clusters = std::max(least_clusters, g.used_clusters);
  g.fat_sectors = sectors_for((std::uint64_t{g.clusters} + root_cluster) * 4);
  return g;
}

Bytes boot_sector(const Geometry& g)
{
  ByteWriter w;
  w.u8(0xeb).u8(0x58).u8(0x90).text("dstack  ");
  w.u16le(sector).u8(1).u16le(reserved_sectors).u8(fat_copies).u16le(0).u16le(0).u8(0xf8).u16le(0);
  w.u16le(32).u16le(64).u32le(0).u32le(g.total_sectors());
  w.u32le(g.fat_sectors).u16le(0).u16le(0).u32le(root_cluster).u16le(info_sector);
  w.u16le(backup_sector).zeros(12);
  w.u8(0x80).u8(0).u8(0x29).u32le(volume_serial).text(label).text("FAT32   ");
  w.zeros(510 - w.size()).u16le(0xaa55);
  return w.take();
}

Bytes info_block(const Geometry& g)
{
  ByteWriter w;
  w.u32le(0x41615252).zeros(480).u32le(0x61417272).u32le(g.clusters - g.used_clusters);
  w.u32le(root_cluster + g.used_clusters - 1).zeros(12).u32le(0xaa550000);
  return w.take();
}

Bytes reserved_area(const Geometry& g)
{
  ByteWriter w;
  w.put(boot_sector(g)).put(info_block(g));
  w.zeros(backup_sector * sector - w.size());
  w.put(boot_sector(g)).put(info_block(g));
  return w.take();
}

/// The used part of one file allocation table: every chain is contiguous.
Bytes allocation_table(const std::vector<ShareFile>& files)
{
  ByteWriter w;
  w.u32le(0x0ffffff8).u32le(end_of_chain); // media descriptor; cleanly unmounted
  std::uint32_t next = root_cluster;
  const auto chain = [&](std::uint32_t clusters) {
    for (std::uint32_t i = 0; i < clusters; ++i) {
      ++next;
      w.u32le(i + 1 == clusters ? end_of_chain : next);
    }
  };
  chain(sectors_for(directory_bytes(files)));
  for (const ShareFile& file : files)
    chain(sectors_for(file.content.size()));
  return w.take();
}

/// "SYS-CO~2JSO" for ".sys-config.json" as file number 2: 8 + 3 characters, padded.
std::string short_name(std::string_view name, std::size_t number)
{
  std::string_view stem = name.substr(std::min(name.find_first_not_of('.'), name.size()));
  std::string_view extension;
  if (const auto dot = stem.rfind('.'); dot != std::string_view::npos) {
    extension = stem.substr(dot + 1, 3);
    stem = stem.substr(0, dot);
  }
  const auto upper = [](std::string_view text) {
    std::string out;
    for (const char c : text)
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
  };
  return fmt::format("{:<8}{:<3}", fmt::format("{}~{}", upper(stem.substr(0, 6)), number),
                     upper(extension));
}

std::uint8_t checksum_of(std::string_view short_name)
{
  unsigned sum = 0;
  for (const char c : short_name)
    sum = (((sum & 1U) << 7U) + (sum >> 1U) + static_cast<unsigned char>(c)) & 0xffU;
  return static_cast<std::uint8_t>(sum);
}

/// One part of a long name; `part` counts from 1 and the entries are stored last part first.
void put_long_entry(ByteWriter& w, std::string_view name, std::size_t part, std::uint8_t checksum)
{
  const bool last = part == long_entries(name);
  const auto put_chars = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = from; i < from + count; ++i) {
      const std::size_t at = (part - 1) * long_name_chars + i;
      const bool inside = at < name.size();
      w.u16le(inside ? static_cast<unsigned char>(name[at]) : at == name.size() ? 0 : 0xffff);
    }
  };
  w.u8(static_cast<std::uint8_t>(part | (last ? 0x40U : 0U)));
  put_chars(0, 5);
  w.u8(attribute_long_name).u8(0).u8(checksum);
  put_chars(5, 6);
  w.u16le(0);
  put_chars(11, 2);
}

void put_short_entry(ByteWriter& w,
                     std::string_view name,
                     std::uint8_t attribute,
                     std::uint32_t cluster,
                     std::uint32_t size)
{
  w.text(name).u8(attribute).u8(0).u8(0).u16le(0).u16le(first_january_1980);
  w.u16le(first_january_1980).u16le(static_cast<std::uint16_t>(cluster >> 16U)).u16le(0);
  w.u16le(first_january_1980).u16le(static_cast<std::uint16_t>(cluster & 0xffffU)).u32le(size);
}

Bytes root_directory(const std::vector<ShareFile>& files)
{
  ByteWriter w;
  put_short_entry(w, label, attribute_label, 0, 0);
  std::uint32_t next = root_cluster + sectors_for(directory_bytes(files));
  for (std::size_t i = 0; i < files.size(); ++i) {
    const ShareFile& file = files[i];
    const std::string name = short_name(file.name, i + 1);
    for (std::size_t part = long_entries(file.name); part > 0; --part)
      put_long_entry(w, file.name, part, checksum_of(name));
    const auto size = static_cast<std::uint32_t>(file.content.size());
    put_short_entry(w, name, attribute_archive, size == 0 ? 0 : next, size);
    next += sectors_for(size);
  }
  return w.take();
}

Status check(const std::vector<ShareFile>& files)
{
  const auto has = [&](std::string_view name) {
    return std::count_if(files.begin(), files.end(),
                         [&](const ShareFile& file) { return file.name == name; });
  };
  for (const ShareFile& file : files) {
    const std::uint64_t limit = share_file_limit(file.name);
    if (limit == 0)
      return fail(Errc::config, "the guest knows no shared file '{}'", printable(file.name));
    if (file.content.size() > limit)
      return fail(Errc::config, "{}: {} bytes (the guest takes at most {})", file.name,
                  file.content.size(), limit);
    if (has(file.name) != 1) return fail(Errc::config, "{} is given twice", file.name);
  }
  for (const std::string_view needed : {"app-compose.json", ".sys-config.json"})
    if (has(needed) == 0) return fail(Errc::config, "the shared file {} is missing", needed);
  return ok();
}

} // namespace

std::uint64_t share_file_limit(std::string_view name)
{
  for (const KnownFile& file : known_files)
    if (file.name == name) return file.max_bytes;
  return 0;
}

Result<SparseDisk> share_disk(const std::vector<ShareFile>& given)
{
  TRY(check(given));
  std::vector<ShareFile> files = given;
  std::sort(files.begin(), files.end(),
            [](const ShareFile& a, const ShareFile& b) { return a.name < b.name; });
  const Geometry g = geometry_for(files);
  SparseDisk disk{std::uint64_t{g.total_sectors()} * sector, {}};
  disk.extents.push_back({0, reserved_area(g)});
  const Bytes table = allocation_table(files);
  for (std::uint32_t copy = 0; copy < fat_copies; ++copy)
    disk.extents.push_back(
        {std::uint64_t{reserved_sectors + copy * g.fat_sectors} * sector, table});
  disk.extents.push_back({g.offset_of(root_cluster), root_directory(files)});
  std::uint32_t next = root_cluster + sectors_for(directory_bytes(files));
  for (ShareFile& file : files) {
    const std::uint32_t clusters = sectors_for(file.content.size());
    if (clusters != 0) disk.extents.push_back({g.offset_of(next), std::move(file.content)});
    next += clusters;
  }
  return disk;
}

} // namespace dstack::vm
