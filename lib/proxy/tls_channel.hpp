#pragma once
/// The server's side of one TLS connection over a Leg, through OpenSSL. Ciphertext is read and
/// written in pieces much larger than records, through buffers that a worker has once: an idle
/// connection holds none.

#include "net/tls_openssl.hpp"
#include "proxy/leg.hpp"

namespace dstack::proxy {

/// Of a worker, lent to the channel that is at work.
struct CipherBuffers {
  Bytes in{}; ///< of fixed size
  std::size_t begin = 0;
  std::size_t end = 0; ///< received, not taken yet: [begin, end) of in
  Bytes out{};         ///< to be sent by whoever called the channel
};

class TlsChannel {
public:
  /// Who makes records of what is sent after the handshake. The kernel may turn out not to, for the
  /// cipher or the version: see kernel_sends().
  enum class Sealer : std::uint8_t { openssl, kernel };

  /// first: bytes already received from the leg. The buffers and the leg outlive the channel.
  static Result<std::unique_ptr<TlsChannel>>
  create(SSL_CTX* context, Leg& leg, CipherBuffers& buffers, Bytes first, Sealer sealer);
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;
  ~TlsChannel() = default;

  /// Everything to be sent is appended to the buffers' out, alerts too; to the socket itself while
  /// and if the kernel is to seal. Io::ended: the client ended TLS, or TCP without it.
  Io handshake();
  Io read(std::span<std::uint8_t> room, std::size_t& count);
  /// All of it. Not when the kernel sends.
  Io write(ByteView bytes);
  /// Io::blocked: to be called again when there is room.
  Io close_notify();
  /// The last call lacked room to write.
  bool wants_room() const { return SSL_want_write(ssl_.get()); }
  /// The leg takes what is to be sent as it is, and the kernel makes records of it. OpenSSL 3.0 asks
  /// the kernel for nothing else (TLS 1.3 is still opened by it), and cannot change the key: a
  /// client's request for another one (RFC 8446 4.6.3) is read and not answered.
  bool kernel_sends() const { return kernel_sends_; }
  /// Bytes are at hand that no socket will announce.
  bool has_input() const { return !held_.empty() || SSL_has_pending(ssl_.get()) == 1; }
  /// To be called before another channel uses the buffers.
  void put_aside();

  int version() const { return SSL_version(ssl_.get()); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  /// As TLS has it, to be compared with what was peeked.
  std::string_view server_name() const;

private:
  TlsChannel(net::Ssl ssl, Leg& leg, CipherBuffers& buffers, Bytes first);
  static BIO_METHOD* method();
  static int receive(BIO* bio, char* room, int size);
  static int transmit(BIO* bio, const char* data, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  Io outcome(int result);
  bool write_to_socket();
  void settle_sender();

  net::Ssl ssl_;
  Leg* leg_;
  CipherBuffers* buffers_;
  Bytes held_{}; ///< ciphertext put aside
  std::size_t held_at_ = 0;
  bool ended_ = false; ///< of TCP
  bool kernel_sends_ = false;
};

} // namespace dstack::proxy
