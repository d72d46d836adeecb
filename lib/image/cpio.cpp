#include "image/cpio.hpp"

#include "base/text.hpp"

namespace dstack::image {

namespace {

constexpr unsigned type_directory = 0040000;
constexpr unsigned type_file = 0100000;
constexpr unsigned type_character = 0020000;
constexpr std::size_t alignment = 4;

void align(ByteWriter& out)
{
  out.zeros((alignment - out.size() % alignment) % alignment);
}

struct CpioHeader {
  std::uint32_t inode = 0;
  std::uint32_t mode = 0;
  std::uint32_t mtime = 0;
  std::uint32_t size = 0;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

void put_header(ByteWriter& out, const CpioHeader& h, const std::string& name)
{
  const std::uint32_t links = (h.mode & type_directory) != 0 ? 2 : 1;
  const auto name_size = static_cast<std::uint32_t>(name.size() + 1);
  out.text("070701");
  for (const std::uint32_t field :
       {h.inode, h.mode, 0U, 0U, links, h.mtime, h.size, 0U, 0U, h.major, h.minor, name_size, 0U})
    out.text(fmt::format("{:08X}", field));
  out.text(name).u8(0);
  align(out);
}

Status check_path(const std::string& path)
{
  for (const std::string_view part : split(path, '/'))
    if (part.empty() || part == "." || part == "..")
      return fail(Errc::malformed, "\"{}\" is no path for an archive", path);
  return ok();
}

} // namespace

Status CpioBuilder::add(const std::string& path, Entry entry)
{
  TRY(check_path(path));
  if (const std::size_t slash = path.rfind('/'); slash != std::string::npos) {
    const std::string parent = path.substr(0, slash);
    if (!entries_.contains(parent)) TRY(directory(parent, 0755));
  }
  if (!entries_.emplace(path, std::move(entry)).second)
    return fail(Errc::malformed, "\"{}\" is in the archive twice", path);
  return ok();
}

Status CpioBuilder::directory(const std::string& path, unsigned mode)
{
  return add(path, {type_directory | mode, {}, 0, 0});
}

Status CpioBuilder::file(const std::string& path, unsigned mode, Bytes content)
{
  return add(path, {type_file | mode, std::move(content), 0, 0});
}

Status CpioBuilder::character_device(const std::string& path,
                                     unsigned mode,
                                     unsigned major,
                                     unsigned minor)
{
  return add(path, {type_character | mode, {}, major, minor});
}

Bytes CpioBuilder::finish() const
{
  ByteWriter out;
  std::uint32_t inode = 0;
  for (const auto& [path, entry] : entries_) {
    const auto size = static_cast<std::uint32_t>(entry.content.size());
    put_header(out, {++inode, entry.mode, mtime_, size, entry.major, entry.minor}, path);
    out.put(entry.content);
    align(out);
  }
  put_header(out, {}, "TRAILER!!!");
  constexpr std::size_t block = 512;
  out.zeros((block - out.size() % block) % block);
  return out.take();
}

} // namespace dstack::image
