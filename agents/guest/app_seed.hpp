#pragma once
/// What the app's keys are derived from, by its key provider (spec guest 13.3).

#include "compose/app_compose.hpp"
#include "guest/facts.hpp"
#include "guest/local_keys.hpp"

namespace dstack::guest {

/// Whether the seed is the same after a restart; if not, neither is the data disk.
enum class SeedLife { returns, this_boot };

struct AppSeed {
  Secret<32> seed;
  SeedLife life = SeedLife::this_boot;
  std::string provider{}; ///< payload of the event key-provider
};

/// To be called after boot-mr-done. Errc::denied when the provider is not the one the app pins.
Result<AppSeed> obtain_seed(tee::Tee& tee,
                            const tee::HostCall& host,
                            const compose::AppCompose& app,
                            const Identity& identity,
                            Time now);

} // namespace dstack::guest
