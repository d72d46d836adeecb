#pragma once
/// What a KMS makes from its two root keys for each app, and what it signs with them (spec kms 5,
/// 6). Everything is a function of the roots and the ids: nothing is kept per app.

#include "crypto/k256.hpp"
#include "crypto/x25519.hpp"
#include "keys/app_keys.hpp"

#include <optional>

namespace dstack::keys {

struct RootKeys {
  crypto::P256Key ca;
  Secret<32> k256;
};

// Every app id is 20 bytes, every instance id 20 bytes or empty: ids stand in front of fixed words
// without a separator, so other sizes could spell another app's context. Errc::malformed otherwise.

/// The key of the app's certificate authority.
Result<crypto::P256Key> app_ca_key(const RootKeys& root, ByteView app_id);
/// Empty instance_id: shared by all instances of an app that wants no ids.
Result<Secret<32>> disk_crypt_key(const RootKeys& root, ByteView app_id, ByteView instance_id);
/// X25519 secret of the encrypted environment.
Result<Secret<32>> env_crypt_key(const RootKeys& root, ByteView app_id);
/// The app's secp256k1 key, what GetKey derives from.
Result<Secret<32>> app_k256_key(const RootKeys& root, ByteView app_id);

/// k256_signature of GetAppKey: "dstack-kms-issued:" ‖ app id ‖ the app's public key.
Result<crypto::K256Recoverable>
sign_app_key(const RootKeys& root, ByteView app_id, const crypto::K256Public& app_key);
/// Of the app's environment key; with a timestamp (Unix seconds) the form that can expire.
Result<crypto::K256Recoverable> sign_env_key(const RootKeys& root,
                                             ByteView app_id,
                                             const crypto::X25519Public& env_key,
                                             std::optional<std::uint64_t> timestamp);

/// Whose signatures those are: the root's public key that a client compares with the one it knows.
Result<crypto::K256Public>
app_key_signer(ByteView app_id, const crypto::K256Public& app_key, ByteView signature65);
Result<crypto::K256Public> env_key_signer(ByteView app_id,
                                          const crypto::X25519Public& env_key,
                                          std::optional<std::uint64_t> timestamp,
                                          ByteView signature65);

/// Report data of the quote that shows where root keys were born: Keccak-256 over both public keys
/// as hex text, then zeros (spec kms 4.2; the misspelt word in it is on the wire).
std::array<std::uint8_t, 64> bootstrap_report_data(ByteView ca_spki,
                                                   const crypto::K256Public& k256);

} // namespace dstack::keys
