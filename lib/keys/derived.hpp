#pragma once
/// What apps ask of their keys: derived keys with the signatures that tell whose they are, and
/// signing with one of them (spec guest 2.2, 2.7, 2.8, 13.2).

#include "keys/app_keys.hpp"

namespace dstack::keys {

enum class Curve { secp256k1, ed25519 };
/// "", "secp256k1" and its alias "k256", "ed25519"; anything else is Errc::unsupported.
Result<Curve> parse_curve(std::string_view algorithm);

struct DerivedKey {
  Secret<32> key;     ///< the same bytes for both curves and every purpose
  Bytes public_key{}; ///< 33 bytes compressed SEC1, or 32 bytes of Ed25519
  /// Signature of the app's key over purpose and public key (65 bytes), then the KMS' over the
  /// app's key; the second is empty without a KMS.
  std::vector<Bytes> signature_chain{};
};
Result<DerivedKey>
derive_key(const AppKeys& app, std::string_view path, std::string_view purpose, Curve curve);

/// What the app's key signs: "purpose:" and the public key as hex text.
std::string key_statement(std::string_view purpose, ByteView public_key);

struct Signature {
  Bytes signature{};  ///< 64 bytes
  Bytes public_key{}; ///< as in DerivedKey
  std::vector<Bytes> chain{};
};
/// With the key of path "vms" and purpose "signing". Algorithms: ed25519, secp256k1 or k256 (over
/// SHA-256 of data), secp256k1_prehashed (data is a digest of 32 bytes).
Result<Signature> sign(const AppKeys& app, std::string_view algorithm, ByteView data);

struct SignedData {
  ByteView data{};
  ByteView signature{};
  ByteView public_key{};
};
/// Malformed keys and signatures are errors; a wrong signature is false, and so is one with high S.
Result<bool> verify(std::string_view algorithm, const SignedData& claim);

/// The text that GetAttestationForAppKey's report data holds, at most 64 bytes (spec guest 4).
std::string app_key_statement(Curve curve, ByteView public_key);

} // namespace dstack::keys
