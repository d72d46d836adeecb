#pragma once
/// Verifiable secret sharing: P. Feldman, "A practical scheme for non-interactive verifiable secret
/// sharing", FOCS 1987, over ristretto255. The dealer commits to the coefficients of a random
/// polynomial whose value at 0 is the secret; a share is its value at the custodian's index and is
/// checked against the commitments, by the custodian and by whoever collects shares. The
/// commitments show the secret times the base point, so the secret must be a random scalar, not
/// something that can be guessed.

#include "crypto/ristretto.hpp"

#include <vector>

namespace dstack::crypto {

inline constexpr unsigned max_shares = 255;

struct Share {
  std::uint8_t index = 0; ///< from 1
  RistrettoScalar value{};
};

/// Commitments to the polynomial's coefficients, the secret's first: as many as the threshold.
using Commitments = std::vector<RistrettoPoint>;

struct Sharing {
  Commitments commitments{};
  std::vector<Share> shares{}; ///< index 1 first
};

/// Errc::usage unless 1 <= threshold <= count <= 255.
Result<Sharing> split(const RistrettoScalar& secret, unsigned count, unsigned threshold);

/// Errc::untrusted when the share is not the polynomial's value at its index.
Status verify_share(const Share& share, const Commitments& commitments);

/// The secret, from at least as many shares as there are commitments; further ones are checked,
/// too. Errc::denied for too few, Errc::malformed for an index given twice, Errc::untrusted for a
/// share that does not fit, by its index.
Result<RistrettoScalar> combine(const std::vector<Share>& shares, const Commitments& commitments);

} // namespace dstack::crypto
