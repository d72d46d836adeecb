#pragma once
/// The admin socket of a KMS that runs from a directory.

#include "cli/context.hpp"
#include "kms/settings.hpp"

namespace dstack::cli {

/// DIR/kms.toml.
Result<kms::Settings> read_kms_settings(const sys::fs::path& directory);

/// Admin.<method>. Errc::not_found when nobody serves there.
Result<codec::Json> ask_kms(const sys::fs::path& directory,
                            std::string_view method,
                            const codec::Json& params,
                            std::chrono::milliseconds deadline);

} // namespace dstack::cli
