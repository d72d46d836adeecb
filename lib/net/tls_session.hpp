#pragma once
/// One TLS connection over a socket, through OpenSSL, never blocking. Not for use outside net.

#include "net/stream.hpp"
#include "net/tls_openssl.hpp"

namespace dstack::net {

class TlsSession {
public:
  /// The descriptor stays the caller's and must outlive the session.
  static Result<std::unique_ptr<TlsSession>> create(SSL_CTX* context, Side side, int fd);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession() = default;

  IoStep handshake();
  IoStep read(std::span<std::uint8_t> room);
  IoStep write(std::string_view data);
  IoStep close_notify();

  Bytes peer_certificate() const; ///< DER; empty when there is none
  /// The client spoke HTTP without TLS, as far as OpenSSL looks.
  bool plain_http() const { return plain_http_; }
  /// Why the last call failed. Errc::denied: the peer refused our certificate.
  Error failure() const;
  SSL* get() const { return ssl_.get(); }

private:
  struct Socket {
    int fd = -1;
    int error = 0; ///< errno of the last call that failed
    bool ended = false;
  };
  TlsSession(Ssl ssl, std::unique_ptr<Socket> socket);
  static BIO_METHOD* socket_method();
  static int receive(BIO* bio, char* room, int size);
  static int transmit(BIO* bio, const char* data, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  IoStep outcome_of(int result, std::size_t count);

  std::unique_ptr<Socket> socket_; ///< outlives ssl_, which points to it
  Ssl ssl_;
  unsigned long reason_ = 0; ///< OpenSSL's code of the failure
  bool plain_http_ = false;
};

} // namespace dstack::net
