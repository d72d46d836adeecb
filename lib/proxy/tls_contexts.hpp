#pragma once
/// What TLS is ended with: for each domain its certificate, without and with HTTP/2, and
/// certificates that answer an authority's questions (RFC 8737). Immutable, shared by all workers.

#include "base/secret.hpp"
#include "net/tls_openssl.hpp"
#include "proxy/plane.hpp"

namespace dstack::proxy {

/// Keys of session tickets (RFC 5077, RFC 8446 4.6.1), one set for all domains and workers. They
/// change by themselves; the one before is still read.
class TicketKeys {
public:
  struct State;
  static Result<std::unique_ptr<TicketKeys>> create();
  explicit TicketKeys(std::unique_ptr<State> state);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  State& state() { return *state_; }

private:
  std::unique_ptr<State> state_;
};

class TlsContexts {
public:
  /// keys: nullptr when no session is to be resumed; they outlive every connection. before: contexts
  /// whose certificate is the same are taken from there.
  static Result<std::shared_ptr<const TlsContexts>>
  create(const std::vector<DomainCertificate>& certificates,
         const std::vector<AlpnChallenge>& challenges,
         TicketKeys* keys,
         const TlsContexts* before);

  /// nullptr: there is no certificate for names below the domain.
  SSL_CTX* find(std::string_view domain, route::Mode mode) const;
  /// nullptr: there is none for just that name.
  SSL_CTX* find_itself(std::string_view name) const;
  SSL_CTX* find_challenge(std::string_view name) const;

private:
  struct Domain {
    std::string chain_pem{};
    SecretBytes key_pem{};
    net::SslContext plain{};
    net::SslContext h2{};
  };
  static Result<std::shared_ptr<const Domain>> make(const DomainCertificate& certificate,
                                                    TicketKeys* keys);

  using Domains = std::map<std::string, std::shared_ptr<const Domain>, std::less<>>;
  static std::shared_ptr<const Domain> same_in(const Domains& domains,
                                               const DomainCertificate& certificate);

  Domains domains_{};
  Domains itself_{};
  std::map<std::string, net::SslContext, std::less<>> challenges_{};
};

} // namespace dstack::proxy
