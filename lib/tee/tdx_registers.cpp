#include "tee/tdx_registers.hpp"

#include "sys/files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dstack::tee {

namespace fs = std::filesystem;

namespace {

struct ExtendRequest {
  std::array<std::uint8_t, 48> data{};
  std::uint8_t index = 0;
};
// Declared as reading, although the driver takes the data: that is how Intel numbered it.
constexpr unsigned long extend_ioctl = _IOR('T', 3, ExtendRequest);
static_assert(sizeof(ExtendRequest) == 49 && extend_ioctl == 0x80315403);

/// The kernel takes a digest whole or not at all, so trying again after EINTR extends once.
Status extend_by_sysfs(const fs::path& file, const crypto::Sha384Digest& digest)
{
  const sys::Fd fd{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd && errno == EINVAL)
    return fail(Errc::denied, "{}: the kernel offers this register for reading only",
                file.string());
  if (!fd) return sys::errno_error("open " + file.string());
  ssize_t written = -1;
  do
    written = ::write(fd.get(), digest.data(), digest.size());
  while (written < 0 && errno == EINTR);
  if (written < 0) return sys::errno_error("write " + file.string());
  if (static_cast<std::size_t>(written) != digest.size())
    return fail(Errc::io, "{}: the kernel took {} of {} bytes", file.string(), written,
                digest.size());
  return ok();
}

Status extend_by_ioctl(const fs::path& device, unsigned rtmr, const crypto::Sha384Digest& digest)
{
  const sys::Fd fd{::open(device.c_str(), O_RDWR | O_SYNC | O_CLOEXEC)};
  if (!fd) return sys::errno_error("open " + device.string());
  ExtendRequest request;
  request.data = digest;
  request.index = static_cast<std::uint8_t>(rtmr);
  int done = -1;
  do
    done = ::ioctl(fd.get(), extend_ioctl, &request);
  while (done != 0 && errno == EINTR);
  if (done == 0) return ok();
  if (errno == ENOTTY)
    return fail(Errc::unsupported,
                "this kernel cannot extend RTMR{}: it has neither measurement "
                "registers in sysfs (Linux 6.16) nor Intel's ioctl on {}",
                rtmr, device.string());
  return sys::errno_error(fmt::format("extend RTMR{} on {}", rtmr, device.string()));
}

} // namespace

Status
extend_register(const TdxRegisterPaths& paths, unsigned rtmr, const crypto::Sha384Digest& digest)
{
  if (rtmr != 2 && rtmr != 3)
    return fail(Errc::denied, "RTMR{} cannot be extended: only the firmware may", rtmr);
  std::error_code error;
  if (!fs::is_directory(paths.measurements, error))
    return extend_by_ioctl(paths.device, rtmr, digest);
  return extend_by_sysfs(paths.measurements / fmt::format("rtmr{}:sha384", rtmr), digest);
}

} // namespace dstack::tee
