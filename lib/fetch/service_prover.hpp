#pragma once
/// The prover of a service: vendors asked over the network, their answers kept in a directory.

#include "fetch/prover.hpp"

namespace dstack::fetch {

/// A simulated TEE's: its root and the collateral that root signs (JSON).
struct SimulatedRoot {
  Bytes root{};
  std::string collateral{};
};

struct ProverOptions {
  sys::fs::path directory{};
  std::string pccs_url{}; ///< empty: Intel's service
  std::string kds_url{};  ///< empty: AMD's service
  Network network = Network::online;
  std::optional<SimulatedRoot> simulated{}; ///< counts where a policy allows simulated evidence
};
Result<std::shared_ptr<Prover>> make_prover(const ProverOptions& options);

} // namespace dstack::fetch
