#pragma once
/// The table of certificates that a host hands to an SEV-SNP guest (AMD publication 56421, "SEV-ES
/// Guest-Hypervisor Communication Block Standardization", MSG_REPORT_REQ): entries of a GUID in the
/// order of its text, offset and length (u32le), ended by an entry of zeros; then the certificates.

#include "snp/verify.hpp"

namespace dstack::snp {

inline constexpr std::size_t max_certificate_table = std::size_t{1} << 20U;

/// VCEK, ASK, ARK and CRL as they are there; none for an empty table. Unknown entries are passed
/// over; a VLEK is Errc::unsupported, two of a kind or an entry outside the table are malformed.
Result<Certificates> read_certificate_table(ByteView table);

} // namespace dstack::snp
