#include "osbuild/libraries.hpp"

#include <algorithm>
#include <set>

namespace dstack::osbuild {

namespace {

constexpr std::size_t max_program = std::size_t{512} << 20U;
constexpr std::string_view elf_magic{"\x7f"
                                     "ELF\x02\x01",
                                     6};
constexpr std::size_t max_dynamic_entries = 4096;

enum Tag : std::uint64_t { tag_end = 0, tag_needed = 1, tag_strings = 5 };
enum SegmentType : std::uint32_t { segment_load = 1, segment_dynamic = 2 };

struct Segment {
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

Result<ByteView> slice(ByteView file, std::uint64_t offset, std::uint64_t size)
{
  if (offset > file.size() || size > file.size() - offset)
    return fail(Errc::malformed, "ELF structure outside the file");
  return file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

Result<std::vector<Segment>> segments(ByteView file)
{
  constexpr std::size_t header_size = 64;
  constexpr std::size_t entry_size = 56;
  ByteReader header{TRY(slice(file, 0, header_size))};
  TRY(header.take(32));
  const std::uint64_t table_at = TRY(header.u64le());
  TRY(header.take(14));
  if (TRY(header.u16le()) != entry_size) return std::vector<Segment>{};
  const std::uint16_t count = TRY(header.u16le());
  ByteReader table{TRY(slice(file, table_at, std::uint64_t{count} * entry_size))};
  std::vector<Segment> out;
  for (std::uint16_t i = 0; i < count; ++i) {
    Segment segment;
    segment.type = TRY(table.u32le());
    TRY(table.u32le());
    segment.offset = TRY(table.u64le());
    segment.address = TRY(table.u64le());
    TRY(table.u64le());
    segment.size = TRY(table.u64le());
    TRY(table.take(16));
    out.push_back(segment);
  }
  return out;
}

Result<std::uint64_t> file_offset(const std::vector<Segment>& all, std::uint64_t address)
{
  for (const Segment& segment : all)
    if (segment.type == segment_load && address >= segment.address &&
        address - segment.address < segment.size)
      return segment.offset + (address - segment.address);
  return fail(Errc::malformed, "ELF string table outside the file");
}

Result<std::string> string_at(ByteView file, std::uint64_t offset)
{
  if (offset > file.size()) return fail(Errc::malformed, "ELF string outside the file");
  const ByteView rest = file.subspan(static_cast<std::size_t>(offset));
  const auto end = std::find(rest.begin(), rest.end(), 0);
  if (end == rest.end()) return fail(Errc::malformed, "ELF string without an end");
  return std::string{rest.begin(), end};
}

struct Dynamic {
  std::vector<std::uint64_t> needed; ///< offsets into the string table
  std::uint64_t strings = 0;         ///< its address
};

Result<Dynamic> read_dynamic(ByteView section)
{
  Dynamic out;
  ByteReader in{section};
  for (std::size_t i = 0; in.remaining() > 0 && i < max_dynamic_entries; ++i) {
    const std::uint64_t tag = TRY(in.u64le());
    const std::uint64_t value = TRY(in.u64le());
    if (tag == tag_end) break;
    if (tag == tag_needed) out.needed.push_back(value);
    if (tag == tag_strings) out.strings = value;
  }
  return out;
}

} // namespace

Result<std::vector<std::string>> needed_libraries(ByteView file)
{
  std::vector<std::string> out;
  if (!as_text(file).starts_with(elf_magic)) return out;
  const std::vector<Segment> all = TRY(segments(file));
  const auto dynamic = std::find_if(all.begin(), all.end(), [](const Segment& segment) {
    return segment.type == segment_dynamic;
  });
  if (dynamic == all.end()) return out;
  const Dynamic found = TRY(read_dynamic(TRY(slice(file, dynamic->offset, dynamic->size))));
  if (found.needed.empty()) return out;
  const std::uint64_t strings = TRY(file_offset(all, found.strings));
  for (const std::uint64_t name : found.needed) {
    if (name > file.size()) return fail(Errc::malformed, "ELF string outside the file");
    out.push_back(TRY(string_at(file, strings + name)));
  }
  return out;
}

Status check_libraries(const fs::path& root)
{
  std::set<std::string> provided;
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator{root / "usr", error}) {
    provided.insert(entry.path().filename().string());
    if (!entry.is_symlink() && entry.is_regular_file() && entry.path().extension() != ".ko")
      files.push_back(entry.path());
  }
  if (error) return fail(Errc::io, "{}: {}", root.string(), error.message());
  for (const fs::path& file : files) {
    const std::string name = file.lexically_relative(root).string();
    const Bytes content = TRY(sys::read_file(file, max_program));
    for (const std::string& library : TRY(needed_libraries(content).within("{}", name)))
      if (!provided.contains(library))
        return fail(Errc::config, "{} needs {}, which rootfs.rules leaves out", name, library);
  }
  return ok();
}

} // namespace dstack::osbuild
