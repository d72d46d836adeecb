#pragma once
/// The secrets of a KMS while they are in memory: everything that apps' keys are made from.
/// Whatever holds them wipes them when it goes, OpenSSL's keys included.

#include "keys/root_keys.hpp"

namespace dstack::vault {

inline constexpr std::size_t max_epochs = 256; ///< beside epoch 0

/// An epoch beside the compatible one: keys of apps that were made under it do not follow from the
/// root, only from this seed.
struct EpochSecret {
  std::uint32_t epoch = 0;
  std::int64_t created_at = 0; ///< Unix seconds
  Secret<32> seed;
  keys::RootKeys roots; ///< what the seed stands for: see make_epoch
};
/// Epoch 1 and later: the two derivation roots are HKDF-SHA256(salt "RATLS", seed, info) with info
/// "dstack-kms-epoch:" ‖ epoch, 4 bytes big-endian ‖ ":ca" or ":k256", each a scalar of its group
/// (Errc::malformed for a seed that gives none, about once in 2^32). From there on every key of an
/// app is derived as in epoch 0 (keys/root_keys.hpp).
Result<EpochSecret>
make_epoch(std::uint32_t epoch, const Secret<32>& seed, std::int64_t created_at);

struct RootMaterial {
  keys::RootKeys root;     ///< epoch 0, the root CA's key and the signer of every epoch's keys
  crypto::P256Key temp_ca; ///< given to everybody who asks (spec kms 2.7): not a secret
  std::vector<EpochSecret> epochs{}; ///< 1, 2, … without gaps
  std::int64_t created_at = 0;       ///< Unix seconds; for an adopted root of its adoption

  std::uint32_t current_epoch() const { return static_cast<std::uint32_t>(epochs.size()); }
};

/// Errc::malformed when one is no scalar of its group.
Result<RootMaterial> root_from(ByteView ca32, ByteView k256_32, ByteView temp_ca32);
RootMaterial generate_root();
/// The same once more: a snapshot that lives on its own.
RootMaterial duplicate(const RootMaterial& material);
/// With one epoch more, from a random seed; Errc::denied when there are max_epochs.
Result<RootMaterial> with_new_epoch(const RootMaterial& material, std::int64_t now);

/// With the epochs that another replica has beyond ours. Errc::untrusted for another root,
/// Errc::denied when one of our epochs is another one there: both have added one.
Result<RootMaterial> with_epochs_of(const RootMaterial& ours, const RootMaterial& theirs);

/// The roots to derive an app's keys from: those of epoch 0 are the root itself, so its keys are
/// what other KMS make. Certificates and signatures are the root's in every epoch. The pointer is
/// into material, never null. Errc::not_found for an epoch that was never made.
Result<const keys::RootKeys*> derivation_roots(const RootMaterial& material, std::uint32_t epoch);

/// For sealing: every secret and the epochs. decode refuses anything that encode does not write.
SecretBytes encode(const RootMaterial& material);
Result<RootMaterial> decode_root(ByteView raw);

} // namespace dstack::vault
