#pragma once
/// Certificates of apps and of the authorities behind them, with exactly the members that the
/// published agents write (spec guest 12.2): P-256 and SHA-256 throughout, names in UTF8String, a
/// serial number from the public key, no key identifiers on leaves.

#include "x509/certificate.hpp"

namespace dstack::x509 {

/// 1975-01-01T00:00:00Z: notBefore of every certificate that asks for nothing else.
inline constexpr std::int64_t default_not_before = 157'766'400;
/// notAfter lies this far ahead unless asked otherwise: 3650 days.
inline constexpr std::int64_t default_validity = std::int64_t{3650} * 86'400;

struct AppName {
  std::string organisation{}; ///< left out when empty
  std::string common_name{};
};

struct AppCertificateSpec {
  AppName subject{};
  AppName issuer{};
  Bytes issuer_der{}; ///< a Name, as it stands in the issuer's certificate; issuer when empty
  /// Texts that are IPv4 or IPv6 addresses become iPAddress, others dNSName (ASCII).
  std::vector<std::string> alt_names{};
  bool server_auth = false;
  bool client_auth = false;
  /// Of an authority; absent for a leaf.
  std::optional<int> ca_path_length{};
  std::int64_t not_before = default_not_before; ///< Unix seconds
  std::int64_t not_after = 0;
  std::vector<Extension> extensions{}; ///< behind the standard ones
};

/// DER. Errc::malformed for names that cannot be written and periods that end before they start.
Result<Bytes> make_app_certificate(const AppCertificateSpec& spec,
                                   ByteView subject_spki,
                                   const crypto::P256Key& issuer);

} // namespace dstack::x509
