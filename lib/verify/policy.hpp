#pragma once
/// What a verifier accepts, as code: read from a small TOML file, applied without I/O.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dstack::verify {

inline constexpr std::size_t max_policy = std::size_t{256} << 10U;

struct Policy {
  std::string name{}; ///< "strict", "permissive" or the file's name

  /// [tcb]
  std::vector<std::string> tcb_statuses{}; ///< accepted, by Intel's names
  /// Days for which an out-of-date TCB is still accepted after a newer one was published.
  std::uint64_t grace_days = 0;
  std::uint64_t min_evaluation_number = 0; ///< of TCB info and QE identity

  /// [advisories]
  std::vector<std::string> refused_advisories{};
  std::optional<std::vector<std::string>> accepted_advisories{}; ///< others are refused when given

  /// [attributes]: flags (spec verify 11) that are accepted, "debug" among them.
  std::vector<std::string> accepted_attributes{};

  /// [freshness]
  std::optional<std::uint64_t> max_collateral_age_days{};

  /// [app]: empty lists accept anything.
  std::vector<std::string> app_ids{};
  std::vector<std::string> instance_ids{};
  std::vector<std::string> compose_hashes{};
  std::vector<std::string> os_image_hashes{};
  std::vector<std::string> key_providers{}; ///< "kms" or "kms:<id in hex>"

  /// [registers]: accepted values in hex, by the names MRTD, RTMR0 to RTMR3, MRSEAM, MRENCLAVE,
  /// MRSIGNER, MEASUREMENT in lower case. A name that the evidence lacks refuses.
  std::vector<std::pair<std::string, std::vector<std::string>>> registers{};

  bool allow_simulated = false;
  /// Refuse when no revocation list was at hand (SEV-SNP; Intel's are never optional).
  bool require_revocation = false;
};

/// UpToDate and SWHardeningNeeded, no attribute flags.
Policy strict_policy();
/// Every status but Revoked, every attribute but debug: what other verifiers do by default.
Policy permissive_policy();

/// "base" names the built-in to start from (default strict); unknown keys are refused.
Result<Policy> policy_from_toml(std::string_view text, std::string_view name);
/// The same policy as TOML, for bundles.
std::string to_toml(const Policy& policy);

} // namespace dstack::verify
