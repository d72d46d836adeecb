#pragma once
/// What verifying simulated evidence takes: the development root and the collateral it signs. Both
/// are as public as Intel's; the keys beside them are not.

#include "base/text.hpp"
#include "sys/files.hpp"

#include <optional>

namespace dstack::tee {

inline constexpr std::string_view sim_root_name = "dstack SIMULATED SGX Root CA";
inline constexpr std::string_view sim_platform_name = "dstack SIMULATED SGX PCK Platform CA";

struct SimTrust {
  Bytes root{};             ///< DER
  std::string collateral{}; ///< JSON (spec verify 8)
};

/// That of the simulated TEE in this directory; nothing when no VM ever ran there.
Result<std::optional<SimTrust>> read_sim_trust(const std::filesystem::path& directory);

/// Signs the collateral, for TDX and for enclaves (sgx-collateral.json), with the development keys
/// in directory, unless it is there already.
Status ensure_sim_collateral(const std::filesystem::path& directory, Time now);

} // namespace dstack::tee
