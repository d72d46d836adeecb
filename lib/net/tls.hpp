#pragma once
/// TLS 1.2 and 1.3 (RFC 5246, RFC 8446) through OpenSSL: what HttpServer serves HTTPS with, and a
/// client of our own, without libcurl, so that it can live in the guest agent too.

#include "net/local_http.hpp"

#include <memory>
#include <optional>

namespace dstack::net {

/// Of a handshake message that holds certificates: those of RA-TLS carry quotes and event logs.
inline constexpr std::size_t max_peer_certificates = std::size_t{256} << 10U;

struct TlsServerSettings {
  std::string chain_pem{}; ///< our certificate first
  std::string key_pem{};   ///< secret; PKCS#8
  /// Empty: clients are not asked for a certificate. Otherwise they may send one; one that is not
  /// signed by an authority with this one's name and key ends the handshake with an alert.
  std::string client_ca_pem{};
  /// Authorities that may stand between a client's certificate and that one; the client sends them.
  int client_intermediates = 0;
};

/// Certificate, key and rules of a server: immutable, shared by connections. To change the
/// certificate, hand out another one: see HttpServer::serve_tls.
class TlsServer {
public:
  struct State;
  /// Errc::malformed for what cannot be read, and for a key that is not the certificate's.
  static Result<std::shared_ptr<const TlsServer>> create(const TlsServerSettings& settings);
  explicit TlsServer(std::unique_ptr<State> state);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  const State& state() const { return *state_; }

private:
  std::unique_ptr<State> state_;
};

struct TlsClientSettings {
  /// Authorities the server's certificate must chain to, and nothing else; of those with the same
  /// name only the first. Empty: any certificate is taken, the caller judges it.
  std::string trust_pem{};
  /// Name or numeric address: told to the server, and its certificate must be for it when trust_pem
  /// is given and names count.
  std::string host{};
  /// ignored: for certificates whose authority gives everybody the names he asks for. The caller
  /// judges by something else whose it is.
  enum class Names { held, ignored } names = Names::held;
  std::string chain_pem{}; ///< our certificate, if the server asks for one
  std::string key_pem{};   ///< secret; PKCS#8
  /// SubjectPublicKeyInfo (DER) that the server's certificate must have, trust or not.
  std::optional<Bytes> pinned_spki{};
};

/// A TLS connection to one server. Blocking, every call with a deadline. The server has proven who
/// it is, as far as the settings ask, before anything of ours is sent, our certificate included.
class TlsClient {
public:
  /// Over a connected socket. Errc::untrusted: the server's certificate does not do.
  /// Errc::denied: the server says that ours does not (with TLS 1.3 it may say so only in
  /// exchange). Errc::timeout, Errc::io: no handshake.
  static Result<TlsClient>
  connect(sys::Fd tcp, const TlsClientSettings& settings, std::chrono::milliseconds deadline);
  TlsClient(TlsClient&&) noexcept;
  TlsClient& operator=(TlsClient&&) noexcept;
  ~TlsClient();

  const Bytes& peer_certificate() const; ///< DER of the server's own certificate
  /// One request and its answer; again for the next as long as the server keeps the connection.
  Result<http::Response> exchange(const http::Request& request, const LocalLimits& limits);

private:
  struct State;
  explicit TlsClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

} // namespace dstack::net
