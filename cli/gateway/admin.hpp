#pragma once
/// The admin socket of a gateway that runs from a directory.

#include "cli/context.hpp"
#include "gateway/settings.hpp"

namespace dstack::cli {

/// DIR/gateway.toml.
Result<gateway::Settings> read_gateway_settings(const sys::fs::path& directory);

/// Admin.<method>. Errc::not_found when nobody serves there.
Result<codec::Json> ask_gateway(const sys::fs::path& directory,
                                std::string_view method,
                                const codec::Json& params = codec::Json::object());

/// The one registered instance whose id, or whose app's id, begins so. Errc::usage when there are
/// several.
Result<std::string> find_instance(const sys::fs::path& directory, std::string_view word);

} // namespace dstack::cli
