#include "proxy/tls_channel.hpp"

#include <algorithm>
#include <cstring>
#include <openssl/err.h>

namespace dstack::proxy {

BIO_METHOD* TlsChannel::method()
{
  static BIO_METHOD* const out = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "leg");
    DSTACK_ASSERT(made != nullptr);
    BIO_meth_set_read(made, receive);
    BIO_meth_set_write(made, transmit);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return out;
}

TlsChannel::TlsChannel(net::Ssl ssl, Leg& leg, CipherBuffers& buffers, Bytes first)
    : ssl_(std::move(ssl)), leg_(&leg), buffers_(&buffers), held_(std::move(first))
{
}

Result<std::unique_ptr<TlsChannel>>
TlsChannel::create(
    SSL_CTX* context, Leg& leg, CipherBuffers& buffers, Bytes first, Sealer sealer)
{
  net::Ssl ssl{SSL_new(context)};
  BIO* const bio = BIO_new(method());
  if (!ssl || bio == nullptr) {
    BIO_free(bio);
    return crypto::openssl_error(Errc::internal, "TLS connection");
  }
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_accept_state(ssl.get());
  std::unique_ptr<TlsChannel> out{new TlsChannel{std::move(ssl), leg, buffers, std::move(first)}};
  BIO_set_data(bio, out.get());
  BIO_set_init(bio, 1);
  if (sealer == Sealer::kernel && !out->write_to_socket())
    return crypto::openssl_error(Errc::internal, "TLS connection");
  return out;
}

/// OpenSSL gives the kernel its keys through a socket of its own only.
bool TlsChannel::write_to_socket()
{
  BIO* const socket = BIO_new_socket(leg_->fd.get(), BIO_NOCLOSE);
  if (socket == nullptr) return false;
  SSL_set0_wbio(ssl_.get(), socket);
  SSL_set_options(ssl_.get(), SSL_OP_ENABLE_KTLS);
  return true;
}

/// After the handshake. What the kernel did not take goes through the leg, as everything else.
void TlsChannel::settle_sender()
{
  BIO* const in = SSL_get_rbio(ssl_.get());
  BIO* const out = SSL_get_wbio(ssl_.get());
  if (in == out) return;
  kernel_sends_ = BIO_get_ktls_send(out) == 1;
  if (kernel_sends_) return;
  BIO_up_ref(in);
  SSL_set0_wbio(ssl_.get(), in);
}

int TlsChannel::receive(BIO* bio, char* room, int size)
{
  auto& self = *static_cast<TlsChannel*>(BIO_get_data(bio));
  CipherBuffers& buffers = *self.buffers_;
  BIO_clear_retry_flags(bio);
  ByteView there;
  if (!self.held_.empty()) {
    there = ByteView{self.held_}.subspan(self.held_at_);
  } else {
    if (buffers.begin == buffers.end) {
      Io got = Io::blocked;
      std::size_t count = 0;
      if (self.leg_->readable) got = self.leg_->receive(buffers.in, count);
      if (got == Io::blocked) {
        BIO_set_retry_read(bio);
        return -1;
      }
      self.ended_ = got == Io::ended;
      if (got != Io::done) return got == Io::ended ? 0 : -1;
      buffers.begin = 0;
      buffers.end = count;
    }
    there = ByteView{buffers.in}.subspan(buffers.begin, buffers.end - buffers.begin);
  }
  const std::size_t taken = std::min(there.size(), static_cast<std::size_t>(size));
  std::memcpy(room, there.data(), taken);
  if (self.held_.empty()) {
    buffers.begin += taken;
  } else {
    self.held_at_ += taken;
    if (self.held_at_ == self.held_.size()) {
      self.held_ = {};
      self.held_at_ = 0;
    }
  }
  return static_cast<int>(taken);
}

int TlsChannel::transmit(BIO* bio, const char* data, int size)
{
  BIO_clear_retry_flags(bio);
  Bytes& out = static_cast<TlsChannel*>(BIO_get_data(bio))->buffers_->out;
  const ByteView bytes = as_bytes({data, static_cast<std::size_t>(size)});
  out.insert(out.end(), bytes.begin(), bytes.end());
  return size;
}

long TlsChannel::control(BIO* bio, int command, long /*number*/, void* /*pointer*/)
{
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF)
    return static_cast<TlsChannel*>(BIO_get_data(bio))->ended_ ? 1 : 0;
  return 0;
}

/// The error queue of the thread is empty before each call: whatever fails clears it.
Io TlsChannel::outcome(int result)
{
  if (result > 0) return Io::done;
  switch (SSL_get_error(ssl_.get(), result)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE:
    return Io::blocked;
  case SSL_ERROR_ZERO_RETURN:
    return Io::ended;
  default:
    ERR_clear_error();
    return Io::failed;
  }
}

Io TlsChannel::handshake()
{
  ERR_clear_error();
  const Io out = outcome(SSL_do_handshake(ssl_.get()));
  if (out == Io::done) settle_sender();
  return out;
}

Io TlsChannel::read(std::span<std::uint8_t> room, std::size_t& count)
{
  // Nothing can come of it: OpenSSL would take and give back a buffer for that.
  if (!leg_->readable && buffers_->begin == buffers_->end && !has_input()) return Io::blocked;
  return outcome(SSL_read_ex(ssl_.get(), room.data(), room.size(), &count));
}

Io TlsChannel::write(ByteView bytes)
{
  std::size_t count = 0;
  const Io io = outcome(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count));
  DSTACK_ASSERT(io != Io::done || count == bytes.size());
  return io;
}

Io TlsChannel::close_notify()
{
  ERR_clear_error();
  const bool blocked = SSL_shutdown(ssl_.get()) < 0 && wants_room();
  ERR_clear_error();
  return blocked ? Io::blocked : Io::done;
}

void TlsChannel::put_aside()
{
  CipherBuffers& buffers = *buffers_;
  if (buffers.begin == buffers.end) return;
  DSTACK_ASSERT(held_.empty());
  held_.assign(buffers.in.begin() + static_cast<std::ptrdiff_t>(buffers.begin),
               buffers.in.begin() + static_cast<std::ptrdiff_t>(buffers.end));
  buffers.begin = buffers.end = 0;
}

std::string_view TlsChannel::server_name() const
{
  const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view{} : std::string_view{name};
}

} // namespace dstack::proxy
