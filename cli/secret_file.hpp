#pragma once
/// Secrets come from files or standard input, never from the command line.

#include "base/secret.hpp"

#include <string>

namespace dstack::cli {

/// 32 bytes, raw or as hex with white space around; "-" is standard input.
Result<Secret<32>> read_secret(const std::string& file);

} // namespace dstack::cli
