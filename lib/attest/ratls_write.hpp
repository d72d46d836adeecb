#pragma once
/// The extensions that make a certificate an RA-TLS one (spec guest 12.1): content in an OCTET
/// STRING, inside the extension's own.

#include "attest/app_info.hpp"
#include "attest/attestation.hpp"
#include "x509/certificate.hpp"

namespace dstack::attest {

/// As certificates carry it: the events of RTMR3 and the firmware's "ACPI DATA" ones. Unlike the
/// published agents' it keeps the digests of runtime events, and the preimages of V2 ones, which
/// verifiers of V2 ask for (spec guest 8.5, 10.3).
Attestation stripped(const Attestation& attestation);

/// OID .8: the stripped attestation.
x509::Extension attestation_extension(const Attestation& attestation);
/// OIDs .1 and .2, quote and event log apart, for verifiers from before .8. They know V1 events
/// only: nothing comes back when there are others, or no TDX quote.
std::vector<x509::Extension> legacy_extensions(const Attestation& attestation);
/// OID .3: set by a KMS.
x509::Extension app_id_extension(ByteView app_id);

inline constexpr std::string_view usage_app = "app:custom";
inline constexpr std::string_view usage_app_ca = "app:ca";
inline constexpr std::string_view usage_kms = "kms:rpc";
/// OID .4.
x509::Extension usage_extension(std::string_view usage);

/// OID .9.
x509::Extension app_info_extension(const AppInfo& info);

} // namespace dstack::attest
