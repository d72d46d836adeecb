#pragma once
/// Typed values of a TOML tree. Errors are Errc::config and name the line, the key, what it is and
/// what was wanted.

#include "codec/toml.hpp"

namespace dstack::codec {

/// "line 4: 'app.id' is an integer (want a string)"
Error toml_mismatch(const Toml& at, std::string_view key, std::string_view want);
/// "line 4: unknown key 'acept'; did you mean 'accept'?"
Error unknown_toml_key(const Toml& at, std::string_view key, const std::vector<std::string>& known);

Result<std::string> toml_string(const Toml& in, std::string_view key);
Result<std::vector<std::string>> toml_strings(const Toml& in, std::string_view key);
Result<std::uint64_t> toml_number(const Toml& in, std::string_view key);
Result<bool> toml_bool(const Toml& in, std::string_view key);
/// Hex of exactly that many bytes, made lower-case.
Result<std::string> toml_digest(const Toml& in, std::string_view key, std::size_t size);
/// A list of such.
Result<std::vector<std::string>>
toml_digests(const Toml& in, std::string_view key, std::size_t size);

} // namespace dstack::codec
