#pragma once
/// The SGX extension of a PCK certificate (Intel "SGX PCK Certificate and CRL Profile
/// Specification", 1.3.5; spec verify 5.6), OID 1.2.840.113741.1.13.1.

#include "x509/p256_certificate.hpp"

namespace dstack::dcap {

struct PckExtension {
  std::array<std::uint8_t, 16> ppid{};
  std::array<std::uint8_t, 16> components{}; ///< SGX TCB component SVNs
  std::uint16_t pce_svn = 0;
  std::array<std::uint8_t, 16> cpu_svn{};
  std::array<std::uint8_t, 2> pce_id{};
  std::array<std::uint8_t, 6> fmspc{};
  std::uint8_t sgx_type = 0; ///< 0 standard, 1 scalable, 2 scalable with integrity
  bool has_platform = false; ///< the fields below are there (Platform CA)
  std::array<std::uint8_t, 16> platform_instance_id{};
  std::optional<bool> dynamic_platform{};
  std::optional<bool> cached_keys{};
  std::optional<bool> smt_enabled{};
};

/// Every required entry exactly once, with its exact size; unknown entries are passed over.
Result<PckExtension> parse_pck_extension(const x509::P256Certificate& certificate);

} // namespace dstack::dcap
