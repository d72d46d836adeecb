#include "sys/clock.hpp"
#include "sys/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

namespace dstack::sys {

namespace {

constexpr std::size_t max_holder_text = 200;

std::string holder_of(int fd)
{
  std::string text(max_holder_text, '\0');
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  const std::string_view line = trim(text);
  return line.empty() ? "another process" : printable(line);
}

/// flock has no deadline; the kernel gives no event for "became free" short of blocking, so the
/// wait is a bounded series of tries.
bool lock_within(int fd, std::chrono::milliseconds wait)
{
  constexpr int retry_ms = 25;
  const Deadline deadline{wait};
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    if (deadline.passed()) return false;
    ::poll(nullptr, 0, retry_ms);
  }
  return true;
}

} // namespace

Result<FileLock>
FileLock::acquire(const fs::path& path, std::string_view what, std::chrono::milliseconds wait)
{
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd) return errno_error(fmt::format("open lock {}", path.string()));
  if (!lock_within(fd.get(), wait))
    return fail(Errc::timeout, "{} is in use by {}", path.parent_path().filename().string(),
                holder_of(fd.get()));
  const std::string text = fmt::format("process {} ({})\n", ::getpid(), what);
  if (::ftruncate(fd.get(), 0) != 0) return errno_error("truncate lock");
  TRY(write_all(fd.get(), as_bytes(text)).within("write lock"));
  return FileLock{std::move(fd)};
}

bool FileLock::is_held(const fs::path& path)
{
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return false;
  return ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

} // namespace dstack::sys
