#include "net/tls_server.hpp"

#include <openssl/x509v3.h>

namespace dstack::net {

namespace {

constexpr std::string_view http_1_1 = "\x08http/1.1"; // as on the wire (RFC 7301 3.1)

/// A client's certificate only carries its key and its evidence: the authority's key is public, and
/// what such a certificate is for, it does not say. So it is not looked at, only signatures, names
/// and dates are, and that whoever stands between the two is an authority.
Status ask_for_certificate(SSL_CTX* context, const TlsServerSettings& settings)
{
  TRY(use_trust(context, settings.client_ca_pem, Hints::tell_peer).within("client authority"));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_verify_depth(context, settings.client_intermediates);
  if (SSL_CTX_set_purpose(context, X509_PURPOSE_ANY) != 1)
    return crypto::openssl_error(Errc::internal, "purpose of client certificates");
  return ok();
}

} // namespace

TlsServer::TlsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServer::~TlsServer() = default;

Result<std::shared_ptr<const TlsServer>> TlsServer::create(const TlsServerSettings& settings)
{
  auto state = std::make_unique<State>();
  state->context = TRY(make_context(Side::server));
  SSL_CTX* const context = state->context.get();
  TRY(use_identity(context, settings.chain_pem, settings.key_pem).within("server certificate"));
  use_protocol(context, http_1_1);
  if (!settings.client_ca_pem.empty()) TRY(ask_for_certificate(context, settings));
  return std::shared_ptr<const TlsServer>{std::make_shared<TlsServer>(std::move(state))};
}

Result<std::unique_ptr<TlsSession>> accept_session(const TlsServer& server, int fd)
{
  return TlsSession::create(server.state().context.get(), Side::server, fd);
}

} // namespace dstack::net
