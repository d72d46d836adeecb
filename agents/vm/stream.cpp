#include "agents/vm/stream.hpp"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dstack::supervisor {

namespace {

constexpr std::size_t read_size = 64 * 1024;
/// Portions handled before other descriptors get their turn.
constexpr int portions_at_once = 16;

} // namespace

Result<std::unique_ptr<Stream>> Stream::open(sys::Loop& loop, sys::Fd fd, Hooks hooks)
{
  TRY(sys::set_nonblocking(fd.get()));
  std::unique_ptr<Stream> stream{new Stream{loop, std::move(fd), std::move(hooks)}};
  Stream* self = stream.get();
  TRY(loop.watch(self->fd_.get(), EPOLLIN, [self](std::uint32_t ev) { self->on_events(ev); }));
  return stream;
}

Stream::Stream(sys::Loop& loop, sys::Fd fd, Hooks hooks)
    : loop_(loop), fd_(std::move(fd)), hooks_(std::move(hooks))
{
}

Stream::~Stream()
{
  *alive_ = false;
  if (fd_) loop_.forget(fd_.get());
}

void Stream::on_events(std::uint32_t events)
{
  const std::shared_ptr<bool> alive = alive_;
  if ((events & EPOLLOUT) != 0) flush();
  if (*alive && fd_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) drain();
}

void Stream::drain()
{
  const std::shared_ptr<bool> alive = alive_;
  std::array<std::uint8_t, read_size> buffer{};
  for (int i = 0; i < portions_at_once && *alive && fd_; ++i) {
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close();
    hooks_.data(ByteView{buffer.data(), static_cast<std::size_t>(n)});
  }
}

void Stream::send(std::string_view data)
{
  if (!fd_) return;
  output_ += data;
  flush();
}

void Stream::flush()
{
  while (!output_.empty()) {
    const ssize_t n = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break; // not now, or broken: reading will tell
    output_.erase(0, static_cast<std::size_t>(n));
  }
  watch();
}

void Stream::watch()
{
  const std::uint32_t out = output_.empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT);
  static_cast<void>(loop_.change(fd_.get(), EPOLLIN | out));
}

void Stream::close()
{
  loop_.forget(fd_.get());
  fd_.reset();
  const auto closed = hooks_.closed;
  if (closed) closed();
}

} // namespace dstack::supervisor
