#pragma once
/// Certificate revocation lists as Intel's services publish them (RFC 5280 section 5; spec verify
/// 6): version 2, ECDSA P-256 with SHA-256, complete lists only.

#include "x509/der_reader.hpp"

#include <vector>

namespace dstack::x509 {

inline constexpr std::size_t max_crl = std::size_t{4} << 20U;

struct Crl {
  ByteView tbs{};
  ByteView issuer{}; ///< raw Name
  std::int64_t this_update = 0;
  std::int64_t next_update = 0;
  ByteView authority_key_id{};
  std::vector<ByteView> revoked{}; ///< serial magnitudes, in the list's order
  ByteView signature{};            ///< DER ECDSA signature

  bool lists(ByteView serial) const;
};

/// Views point into der. An entry counts as revoked whatever its reason.
Result<Crl> parse_crl(ByteView der);

} // namespace dstack::x509
