#pragma once
/// Owned file descriptors. Everything opened here is close-on-exec.

#include "base/bytes.hpp"

#include <string>
#include <utility>

namespace dstack::sys {

class Fd {
public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

private:
  int fd_ = -1;
};

/// An Errc::io (or not_found for ENOENT) with errno's text: "open /x: Permission denied".
Error errno_error(std::string_view what, int error_number);
Error errno_error(std::string_view what); ///< uses errno

/// Writes everything or fails (blocking descriptor; EINTR handled; SIGPIPE is ignored by start-up).
Status write_all(int fd, ByteView data);
/// One read of at most max bytes; empty at end of file. Non-blocking descriptors: see would_block.
Result<Bytes> read_some(int fd, std::size_t max);
/// Up to max bytes until end of file; more than max is Errc::malformed.
Result<Bytes> read_to_end(int fd, std::size_t max);
Status set_nonblocking(int fd);

struct Pipe {
  Fd read;
  Fd write;
};
Result<Pipe> make_pipe();

} // namespace dstack::sys
