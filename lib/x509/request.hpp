#pragma once
/// Certification requests (PKCS #10, RFC 2986) for public authorities, and which names a
/// certificate is for.

#include "crypto/p256.hpp"

namespace dstack::x509 {

/// DER of a request without subject for these dNSNames (a wildcard may be first: "*.example.com"),
/// signed by the key it is for. Errc::malformed for names that are not ASCII or empty.
Result<Bytes> make_request(const std::vector<std::string>& dns_names, const crypto::P256Key& key);

/// The dNSNames of a certificate's subjectAltName, as written; none when it has none.
Result<std::vector<std::string>> dns_names_of(ByteView certificate_der);

/// Value of a subjectAltName extension of dNSNames.
Result<Bytes> alt_names_value(const std::vector<std::string>& dns_names);

/// What an authority that issued it calls a certificate when asked for its renewal (RFC 9773 4.1):
/// key identifier of the authority and serial number, both as the content octets of their DER.
/// Errc::not_found when it does not name its authority's key.
struct RenewalName {
  Bytes authority_key_id{};
  Bytes serial{};
};
Result<RenewalName> renewal_name_of(ByteView certificate_der);

} // namespace dstack::x509
