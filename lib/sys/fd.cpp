#include "sys/fd.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace dstack::sys {

Fd& Fd::operator=(Fd&& other) noexcept
{
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset()
{
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Error errno_error(std::string_view what, int error_number)
{
  const Errc code = error_number == ENOENT ? Errc::not_found : Errc::io;
  return fail(code, "{}: {}", what, std::strerror(error_number));
}

Error errno_error(std::string_view what)
{
  return errno_error(what, errno);
}

Status write_all(int fd, ByteView data)
{
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write");
    data = data.subspan(static_cast<std::size_t>(n));
  }
  return ok();
}

Result<Bytes> read_some(int fd, std::size_t max)
{
  Bytes out(max);
  while (true) {
    const ssize_t n = ::read(fd, out.data(), out.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read");
    out.resize(static_cast<std::size_t>(n));
    return out;
  }
}

Result<Bytes> read_to_end(int fd, std::size_t max)
{
  constexpr std::size_t piece_size = std::size_t{64} << 10U;
  Bytes out;
  while (true) {
    const Bytes piece = TRY(read_some(fd, piece_size));
    if (piece.empty()) return out;
    if (out.size() + piece.size() > max) return fail(Errc::malformed, "larger than {} bytes", max);
    out.insert(out.end(), piece.begin(), piece.end());
  }
}

Status set_nonblocking(int fd)
{
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return errno_error("fcntl");
  return ok();
}

Result<Pipe> make_pipe()
{
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe2");
  return Pipe{Fd{ends[0]}, Fd{ends[1]}};
}

} // namespace dstack::sys
