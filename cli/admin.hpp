#pragma once
/// The admin socket of an agent that runs from a directory.

#include "codec/json.hpp"

#include <chrono>

namespace dstack::cli {

/// Admin.<method> over a connected socket; agent: how errors call it. Errc::denied with the reason
/// when it refuses.
Result<codec::Json> ask_admin(int socket,
                              std::string_view agent,
                              std::string_view method,
                              const codec::Json& params,
                              std::chrono::milliseconds deadline);

} // namespace dstack::cli
