#include "proxy/pipes.hpp"

#include <cerrno>
#include <fcntl.h>

namespace dstack::proxy {

namespace {

constexpr std::size_t at_once = std::size_t{1} << 20U;
constexpr std::size_t max_idle = 64;

Io outcome(ssize_t moved, Leg& leg)
{
  if (moved > 0) return Io::done;
  if (moved == 0) return Io::ended;
  if (errno == EAGAIN) return Io::blocked;
  leg.reset = true;
  return Io::failed;
}

} // namespace

Result<std::unique_ptr<Pipe>> Pipe::create()
{
  sys::Pipe pipe = TRY(sys::make_pipe());
  TRY(sys::set_nonblocking(pipe.read.get()));
  TRY(sys::set_nonblocking(pipe.write.get()));
  // As large as one may have it; a smaller one works, too.
  static_cast<void>(::fcntl(pipe.write.get(), F_SETPIPE_SZ, static_cast<int>(at_once)));
  return std::unique_ptr<Pipe>{new Pipe{std::move(pipe)}};
}

Io Pipe::fill(Leg& from, std::size_t& count)
{
  ssize_t n = -1;
  do {
    n = ::splice(from.fd.get(), nullptr, pipe_.write.get(), nullptr, at_once,
                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (n < 0 && errno == EINTR);
  const Io out = outcome(n, from);
  // Only EAGAIN tells that the socket is empty: the pipe may have been full, so call with it empty.
  if (out != Io::done) from.readable = false;
  count = n > 0 ? static_cast<std::size_t>(n) : 0;
  held_ += count;
  return out;
}

Io Pipe::drain(Leg& to, std::size_t& count)
{
  count = 0;
  while (held_ > 0) {
    const ssize_t n = ::splice(pipe_.read.get(), nullptr, to.fd.get(), nullptr, held_,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      to.writable = false;
      return outcome(n, to);
    }
    held_ -= static_cast<std::size_t>(n);
    count += static_cast<std::size_t>(n);
  }
  return Io::done;
}

std::unique_ptr<Pipe> PipePool::take()
{
  if (idle_.empty()) {
    auto made = Pipe::create();
    return made ? *std::move(made) : nullptr;
  }
  auto out = std::move(idle_.back());
  idle_.pop_back();
  return out;
}

void PipePool::give_back(std::unique_ptr<Pipe> pipe)
{
  if (pipe->held() == 0 && idle_.size() < max_idle) idle_.push_back(std::move(pipe));
}

} // namespace dstack::proxy
