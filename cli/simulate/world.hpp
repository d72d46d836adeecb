#pragma once
/// The VM that `dstack simulate` plays: identity, registers, keys and the simulated TEE's quotes.

#include "compose/app_compose.hpp"
#include "guestapi/guest.hpp"
#include "sys/files.hpp"

namespace dstack::cli {

struct World {
  std::shared_ptr<guestapi::Guest> guest;
  compose::AppCompose app;
};

/// App text of the identity that is used when the caller names no app.
std::string fixture_app_compose();

/// app_compose empty: the published simulator's app id and app key (spec guest 10.4, 13.4), so that
/// the SDKs' suites find the signers they expect. tee_directory holds this machine's development
/// keys. Same app, same machine: same keys, every time.
Result<World> make_world(const std::string& app_compose, const sys::fs::path& tee_directory);

} // namespace dstack::cli
