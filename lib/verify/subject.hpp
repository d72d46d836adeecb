#pragma once
/// What the evidence turned out to say, whatever TEE made it: the things policies and expectations
/// look at. Filled only from proven parts.

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dstack::verify {

/// The application as its event log or MR_CONFIG document has it; empty when the evidence carries
/// neither. Hex.
struct AppIdentity {
  std::string app_id{};
  std::string compose_hash{};
  std::string instance_id{};
  std::string os_image_hash{};
  std::string key_provider_name{};
  std::string key_provider_id{};
};

struct Subject {
  bool simulated = false;
  std::string tcb_status{};
  std::vector<std::string> advisory_ids{};
  std::vector<std::string> attribute_flags{}; ///< spec verify 11
  std::optional<std::uint32_t> evaluation_number{};
  bool revocation_judged = true;      ///< against lists that were at hand; Intel's always are
  std::int64_t oldest_issue = 0;      ///< of the documents the status comes from; 0: unknown
  std::int64_t out_of_date_since = 0; ///< when a newer TCB was published; 0: unknown or not
  /// By the names policies use ("mrtd"), hex.
  std::vector<std::pair<std::string, std::string>> registers{};
  std::array<std::uint8_t, 64> report_data{};
  /// PPID (16 bytes) or SEV-SNP's chip id (64), as it is; empty when the chip hides it.
  Bytes platform_id{};
  std::optional<AppIdentity> app{};

  /// Register of that name, or nullptr.
  const std::string* find_register(std::string_view name) const;
};

} // namespace dstack::verify
