#include "net/tls_session.hpp"

#include "crypto/openssl_der.hpp"
#include "sys/fd.hpp"

#include <cerrno>
#include <openssl/err.h>
#include <sys/socket.h>

namespace dstack::net {

namespace {

/// Alerts that speak of the certificate of the one they are sent to (RFC 8446 6.2); OpenSSL says of
/// a wrong signature in it that it cannot decrypt.
bool is_about_certificate(int alert)
{
  switch (alert) {
  case SSL_AD_BAD_CERTIFICATE:
  case SSL_AD_UNSUPPORTED_CERTIFICATE:
  case SSL_AD_CERTIFICATE_REVOKED:
  case SSL_AD_CERTIFICATE_EXPIRED:
  case SSL_AD_CERTIFICATE_UNKNOWN:
  case SSL_AD_UNKNOWN_CA:
  case SSL_AD_DECRYPT_ERROR:
  case SSL_AD_ACCESS_DENIED:
  case SSL_AD_CERTIFICATE_REQUIRED:
    return true;
  default:
    return false;
  }
}

} // namespace

// OpenSSL's own socket BIO would raise SIGPIPE, and block on a blocking descriptor.
BIO_METHOD* TlsSession::socket_method()
{
  static BIO_METHOD* const method = [] {
    BIO_METHOD* out = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    DSTACK_ASSERT(out != nullptr);
    BIO_meth_set_read(out, receive);
    BIO_meth_set_write(out, transmit);
    BIO_meth_set_ctrl(out, control);
    return out;
  }();
  return method;
}

int TlsSession::receive(BIO* bio, char* room, int size)
{
  auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  ssize_t n = -1;
  do {
    n = ::recv(socket.fd, room, static_cast<std::size_t>(size), MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n == 0) socket.ended = true;
  if (n < 0 && errno == EAGAIN)
    BIO_set_retry_read(bio);
  else if (n < 0)
    socket.error = errno;
  return static_cast<int>(n);
}

int TlsSession::transmit(BIO* bio, const char* data, int size)
{
  auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  ssize_t n = -1;
  do {
    n = ::send(socket.fd, data, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    BIO_set_retry_write(bio);
  else if (n < 0)
    socket.error = errno;
  return static_cast<int>(n);
}

long TlsSession::control(BIO* bio, int command, long /*number*/, void* /*pointer*/)
{
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<Socket*>(BIO_get_data(bio))->ended ? 1 : 0;
  return 0;
}

TlsSession::TlsSession(Ssl ssl, std::unique_ptr<Socket> socket)
    : socket_(std::move(socket)), ssl_(std::move(ssl))
{
}

Result<std::unique_ptr<TlsSession>> TlsSession::create(SSL_CTX* context, Side side, int fd)
{
  Ssl ssl{SSL_new(context)};
  BIO* const bio = BIO_new(socket_method());
  if (!ssl || bio == nullptr) {
    BIO_free(bio);
    return crypto::openssl_error(Errc::internal, "TLS connection");
  }
  auto socket = std::make_unique<Socket>();
  socket->fd = fd;
  BIO_set_data(bio, socket.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  if (side == Side::server)
    SSL_set_accept_state(ssl.get());
  else
    SSL_set_connect_state(ssl.get());
  return std::unique_ptr<TlsSession>{new TlsSession{std::move(ssl), std::move(socket)}};
}

IoStep TlsSession::outcome_of(int result, std::size_t count)
{
  if (result > 0) return {Io::done, count};
  switch (SSL_get_error(ssl_.get(), result)) {
  case SSL_ERROR_WANT_READ:
    return {Io::wait_in};
  case SSL_ERROR_WANT_WRITE:
    return {Io::wait_out};
  case SSL_ERROR_ZERO_RETURN:
    return {Io::ended};
  default:
    reason_ = ERR_peek_last_error();
    plain_http_ =
        ERR_GET_LIB(reason_) == ERR_LIB_SSL && ERR_GET_REASON(reason_) == SSL_R_HTTP_REQUEST;
    ERR_clear_error();
    return {Io::failed};
  }
}

IoStep TlsSession::handshake()
{
  ERR_clear_error();
  return outcome_of(SSL_do_handshake(ssl_.get()), 0);
}

IoStep TlsSession::read(std::span<std::uint8_t> room)
{
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &count);
  return outcome_of(result, count);
}

IoStep TlsSession::write(std::string_view data)
{
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl_.get(), data.data(), data.size(), &count);
  return outcome_of(result, count);
}

IoStep TlsSession::close_notify()
{
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  // 0: ours is sent, the peer's has not come.
  return result == 0 ? IoStep{Io::done} : outcome_of(result, 0);
}

Bytes TlsSession::peer_certificate() const
{
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  return crypto::der_of<i2d_X509>(certificate);
}

Error TlsSession::failure() const
{
  const int reason = ERR_GET_REASON(reason_);
  if (ERR_GET_LIB(reason_) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
    const int alert = reason - SSL_AD_REASON_OFFSET;
    const char* const name = SSL_alert_desc_string_long(alert);
    if (is_about_certificate(alert))
      return fail(Errc::denied, "the peer does not accept our certificate: TLS alert '{}'", name);
    return fail(Errc::io, "the peer ended TLS with the alert '{}'", name);
  }
  if (socket_->error != 0) return sys::errno_error("connection", socket_->error);
  if (socket_->ended) return fail(Errc::io, "the peer closed the connection");
  if (ERR_GET_LIB(reason_) == ERR_LIB_SSL && reason == SSL_R_WRONG_VERSION_NUMBER)
    return fail(Errc::io, "the peer does not speak TLS");
  const char* const text = reason_ == 0 ? nullptr : ERR_reason_error_string(reason_);
  return fail(Errc::io, "TLS: {}", text == nullptr ? "unknown failure" : text);
}

} // namespace dstack::net
