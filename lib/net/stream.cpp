#include "net/stream.hpp"

#include "net/tls_session.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace dstack::net {

namespace {

IoStep receive(int fd, std::span<std::uint8_t> room)
{
  while (true) {
    const ssize_t n = ::recv(fd, room.data(), room.size(), MSG_DONTWAIT);
    if (n > 0) return {Io::done, static_cast<std::size_t>(n)};
    if (n == 0) return {Io::ended};
    if (errno == EAGAIN) return {Io::wait_in};
    if (errno != EINTR) return {Io::failed};
  }
}

} // namespace

Stream::Stream(sys::Fd plain) : fd_(std::move(plain)) {}
Stream::Stream(sys::Fd socket, std::unique_ptr<TlsSession> tls)
    : fd_(std::move(socket)), tls_(std::move(tls)), established_(tls_ == nullptr)
{
}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

void Stream::reset()
{
  tls_.reset();
  fd_.reset();
}

IoStep Stream::handshake()
{
  if (established_) return {Io::done};
  const IoStep step = tls_->handshake();
  established_ = step.outcome == Io::done;
  return step;
}

IoStep Stream::read(std::span<std::uint8_t> room)
{
  return tls_ ? tls_->read(room) : receive(fd_.get(), room);
}

IoStep Stream::write(std::string_view data)
{
  if (tls_) return tls_->write(data);
  while (true) {
    const ssize_t n = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return {Io::done, static_cast<std::size_t>(n)};
    if (errno == EAGAIN) return {Io::wait_out};
    if (errno != EINTR) return {Io::failed};
  }
}

IoStep Stream::finish()
{
  if (tls_ && established_) {
    const IoStep step = tls_->close_notify();
    if (step.outcome == Io::wait_out) return step;
  }
  ::shutdown(fd_.get(), SHUT_WR);
  return {Io::done};
}

IoStep Stream::discard()
{
  std::array<std::uint8_t, stream_read_size> room{};
  return receive(fd_.get(), room);
}

} // namespace dstack::net
