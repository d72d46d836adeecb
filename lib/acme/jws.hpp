#pragma once
/// Signed requests of ACME (RFC 8555 section 6.2; RFC 7515, 7517, 7638): ES256, flattened JSON.

#include "base/secret.hpp"
#include "codec/json.hpp"
#include "crypto/p256.hpp"

namespace dstack::acme {

/// RFC 4648 section 5, without padding.
std::string base64url(ByteView bytes);
Result<Bytes> parse_base64url(std::string_view text);
/// Not empty, of that alphabet and of bounded length: what may become part of a path or a name.
bool is_token(std::string_view text);

/// The public key, members in the order in which a thumbprint is made of them.
codec::Json public_jwk(const crypto::P256Key& key);
/// SHA-256 of it (RFC 7638), in base64url.
std::string thumbprint(const crypto::P256Key& key);

struct JwsHeader {
  std::string url{};
  std::string nonce{};
  std::string account_url{}; ///< empty: the key itself goes along, as when an account is made
};
/// payload "" makes a POST-as-GET (RFC 8555 6.3).
std::string
signed_request(const crypto::P256Key& key, const JwsHeader& header, std::string_view payload);

/// An account elsewhere that a new one is bound to (RFC 8555 7.3.4).
struct ExternalAccount {
  std::string key_id{};
  SecretBytes mac_key{};
};
codec::Json external_account_binding(const ExternalAccount& external,
                                     const crypto::P256Key& key,
                                     std::string_view new_account_url);

} // namespace dstack::acme
