#pragma once
/// How long certificates and revocation lists of any algorithm last, for keeping them. Everything
/// else about them is the verifier's.

#include "base/bytes.hpp"

namespace dstack::fetch {

/// notAfter of an X.509 certificate (RFC 5280, 4.1), Unix seconds.
Result<std::int64_t> certificate_not_after(ByteView der);
/// nextUpdate of a CRL (RFC 5280, 5.1), Unix seconds; a list without one is refused.
Result<std::int64_t> crl_next_update(ByteView der);

} // namespace dstack::fetch
