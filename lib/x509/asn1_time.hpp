#pragma once
/// OpenSSL's times as ours.

#include "crypto/openssl.hpp"

namespace dstack::x509 {

/// Unix seconds; null is malformed.
Result<std::int64_t> time_of(const ASN1_TIME* time);

} // namespace dstack::x509
