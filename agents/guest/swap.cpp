#include "guest/swap.hpp"

#include "base/text.hpp"
#include "sys/files.hpp"

#include <fcntl.h>
#include <sys/swap.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::size_t page = 4096;
constexpr std::uint64_t min_pages = 10;
constexpr std::size_t info_at = 1024;
constexpr std::uint32_t header_version = 1;
constexpr std::string_view magic = "SWAPSPACE2";

sys::fs::path file_in(const std::string& directory)
{
  return sys::fs::path{directory} / "swapfile";
}

} // namespace

Bytes swap_header(std::uint32_t pages)
{
  ByteWriter out;
  out.zeros(info_at).u32le(header_version).u32le(pages - 1).u32le(0); // last page, no bad ones
  out.zeros(page - magic.size() - out.size());
  return out.text(magic).take();
}

Status start_swap(const std::string& directory, std::uint64_t bytes)
{
  const sys::fs::path path = file_in(directory);
  std::error_code ignored;
  sys::fs::remove(path, ignored);
  if (bytes == 0) return ok();
  const std::uint64_t pages = bytes / page;
  if (pages < min_pages || pages > UINT32_MAX)
    return fail(Errc::unsupported, "swap_size: {} bytes", bytes);
  const sys::Fd file = TRY(sys::create_new(path, sys::Privacy::owner_only));
  if (::fallocate(file.get(), 0, 0, static_cast<off_t>(pages * page)) != 0)
    return sys::errno_error(fmt::format("swap_size: {} on the data disk", format_size(bytes)));
  TRY(sys::write_all(file.get(), swap_header(static_cast<std::uint32_t>(pages))));
  if (::fsync(file.get()) != 0) return sys::errno_error("swap file");
  if (::swapon(path.c_str(), 0) != 0) return sys::errno_error("swapon");
  return ok();
}

Status stop_swap(const std::string& directory)
{
  const sys::fs::path path = file_in(directory);
  if (!sys::fs::exists(path)) return ok();
  if (::swapoff(path.c_str()) != 0 && errno != EINVAL) return sys::errno_error("swapoff");
  return ok();
}

} // namespace dstack::guest
