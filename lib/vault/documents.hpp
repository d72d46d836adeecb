#pragma once
/// The two documents in root/: what a root tells everybody, and the root itself, sealed.

#include "vault/custody.hpp"
#include "vault/root_material.hpp"

namespace dstack::vault {

inline constexpr std::size_t max_document = std::size_t{256} << 10U;

struct EpochInfo {
  std::uint32_t epoch = 0;
  std::int64_t created_at = 0; ///< Unix seconds
  bool operator==(const EpochInfo&) const = default;
};

/// Everything about a root that is no secret.
struct PublicRoot {
  ClusterId cluster{};
  Bytes ca_spki{}; ///< SubjectPublicKeyInfo DER: in hex the key provider id that apps pin
  crypto::K256Public k256{};
  Bytes root_ca{};                 ///< certificate, DER
  Bytes temp_ca{};                 ///< certificate, DER
  std::vector<EpochInfo> epochs{}; ///< 0 first

  std::uint32_t current_epoch() const { return epochs.empty() ? 0 : epochs.back().epoch; }
  bool operator==(const PublicRoot&) const = default;
};

/// With fresh certificates.
Result<PublicRoot> public_root_of(const RootMaterial& material, std::int64_t now);

/// public.json
Bytes write_public(const PublicRoot& root);
/// Errc::malformed also when its parts do not fit each other.
Result<PublicRoot> read_public(ByteView text);

/// sealed.json, without looking inside.
struct SealedRoot {
  ClusterId cluster{};
  Custody custody{};
  std::array<std::uint8_t, 24> nonce{};
  Bytes sealed{};
};
Bytes write_sealed(const SealedRoot& root);
Result<SealedRoot> read_sealed(ByteView text);

SealedRoot seal_root(const RootMaterial& material, const Custody& custody, const Secret<32>& key);
/// Errc::untrusted when the key does not fit, or what it opens is another cluster's root.
Result<RootMaterial> unseal_root(const SealedRoot& root, const Secret<32>& key);

/// What a quorum's scalar is for.
Secret<32> quorum_key(const crypto::RistrettoScalar& scalar, const ClusterId& cluster);

} // namespace dstack::vault
