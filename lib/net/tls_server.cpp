#include "net/tls_server.hpp"

#include <openssl/x509v3.h>

namespace dstack::net {

namespace {

constexpr std::string_view http_1_1 = "\x08http/1.1"; // as on the wire (RFC 7301 3.1)

/// Takes http/1.1 when the client offers it among others, and refuses clients that offer only
/// others.
int choose_protocol(SSL* /*ssl*/,
                    const unsigned char** out,
                    unsigned char* out_size,
                    const unsigned char* offered,
                    unsigned int offered_size,
                    void* /*user*/)
{
  const ByteView ours = as_bytes(http_1_1);
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(
      &chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()), offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

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
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (!settings.client_ca_pem.empty()) TRY(ask_for_certificate(context, settings));
  return std::shared_ptr<const TlsServer>{std::make_shared<TlsServer>(std::move(state))};
}

Result<std::unique_ptr<TlsSession>> accept_session(const TlsServer& server, int fd)
{
  return TlsSession::create(server.state().context.get(), Side::server, fd);
}

} // namespace dstack::net
