#pragma once
/// The sockets of `dstack simulate`.

#include "cli/context.hpp"
#include "cli/simulate/world.hpp"

namespace dstack::cli {

struct SimulateOptions {
  sys::fs::path directory;          ///< of the sockets
  std::string listen{};             ///< "ADDRESS:PORT" for both socket APIs, or empty
  std::string external{};           ///< "ADDRESS:PORT" for the port for the world, or empty
  std::vector<std::string> command; ///< run with the variables set; empty: serve until a signal
};

/// Serves until SIGINT, SIGTERM or the end of the command, whose status it returns.
Result<Exit> serve_simulator(const World& world, const SimulateOptions& options, Context& ctx);

} // namespace dstack::cli
