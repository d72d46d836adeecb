#pragma once
/// OpenSSL's TLS objects, and what all of our sides agree on. For net, and for proxy's own
/// driver.

#include "crypto/openssl.hpp"

#include <openssl/ssl.h>
#include <string>

namespace dstack::net {

using SslContext = std::unique_ptr<SSL_CTX, crypto::FreeWith<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, crypto::FreeWith<SSL_free>>;

enum class Side { server, client };

Result<SslContext> make_context(Side side);
/// Certificate chain, our own first, and its key.
Status use_identity(SSL_CTX* context, const std::string& chain_pem, const std::string& key_pem);
/// Of a server: takes the protocol when a client offers it among others, and refuses clients that
/// offer only others; who offers none at all is taken. As on the wire (RFC 7301 3.1); it outlives
/// the context.
void use_protocol(SSL_CTX* context, const std::string_view& protocol);
enum class Hints { none, tell_peer }; ///< whether the peer is told the authorities' names
/// Authorities that a peer's certificate may chain to; each is an end of the chain, self-signed or
/// not. Nothing else is trusted.
Status use_trust(SSL_CTX* context, const std::string& pem, Hints hints);

} // namespace dstack::net
