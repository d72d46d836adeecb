#pragma once
/// Values as TOML writes them.

#include <chrono>
#include <string>
#include <vector>

namespace dstack::codec {

std::string toml_text(const std::string& text);
std::string toml_text(const std::vector<std::string>& words);
/// "\"250ms\"", as parse_duration_ms reads it.
std::string toml_text(std::chrono::milliseconds time);

} // namespace dstack::codec
