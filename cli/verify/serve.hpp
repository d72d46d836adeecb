#pragma once
/// `dstack verify --serve`: the reference verifier's HTTP interface (spec host 6.1).

#include "cli/verify/runner.hpp"

namespace dstack::cli {

/// Serves until SIGINT or SIGTERM on "ADDRESS:PORT" (port 0: any; it is printed). Every thread has
/// its own loop and verifier.
Result<Exit>
serve_verifier(const std::string& address, const Session& session, Context& ctx, unsigned threads);

} // namespace dstack::cli
