#pragma once
/// The variables that only this app's VM can read: from .encrypted-env to what the app is started
/// with (spec guest 19).

#include "keys/env.hpp"
#include "sys/files.hpp"

namespace dstack::guest {

/// Decrypts and keeps what allowed_envs names. What cannot be decrypted or is no such environment
/// is an error: an app without the variables its owner sent must not start (trap U12).
Result<keys::FilteredEnv>
open_environment(ByteView blob, const Secret<32>& key, const std::vector<std::string>& allowed);

/// .decrypted-env and .decrypted-env.json (0600), for scripts of published guests. The first cannot
/// hold every value (keys::dotenv_text); the app's own environment is exact.
Status write_environment(const sys::fs::path& directory, const keys::Environment& env);

} // namespace dstack::guest
