#pragma once
/// Chains of the certificates that a KMS issues (spec kms 7.4): leaf, the app's authority, the
/// root.

#include "base/bytes.hpp"
#include "base/text.hpp"

#include <vector>

namespace dstack::x509 {

inline constexpr std::size_t max_app_chain = 5;

/// DER, leaf first. Each certificate is the next one's work, the last has this key and signed
/// itself, all that sign are authorities that may, and all are valid at that time. Who holds the
/// root key decides everything else: what the certificates are for is the caller's to look at.
Status check_app_chain(const std::vector<Bytes>& chain, ByteView root_spki, Time now);

} // namespace dstack::x509
