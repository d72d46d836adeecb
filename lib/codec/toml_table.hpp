#pragma once
/// A table of TOML read into a struct: every key is known, or it is refused with its line.

#include "codec/toml_fields.hpp"

#include <algorithm>
#include <functional>

namespace dstack::codec {

/// A key, with what it does to the struct.
template <class T> struct TomlKey {
  std::string_view name;
  std::function<Status(const Toml&, T&)> read;
  bool required = false;
};

template <class T>
Result<T>
read_table(const Toml& in, const std::vector<TomlKey<T>>& keys, std::string_view what, T out)
{
  if (in.table() == nullptr) return toml_mismatch(in, what, "a table");
  for (const auto& [name, value] : *in.table()) {
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&, &word = name](const auto& one) { return one.name == word; });
    if (key == keys.end()) {
      std::vector<std::string> known;
      for (const TomlKey<T>& one : keys)
        known.emplace_back(one.name);
      return unknown_toml_key(value, name, known);
    }
    TRY(key->read(value, out));
  }
  for (const TomlKey<T>& key : keys) {
    const bool there = std::any_of(in.table()->begin(), in.table()->end(),
                                   [&](const auto& member) { return member.first == key.name; });
    if (key.required && !there)
      return fail(Errc::config, "line {}: '{}' is missing", in.line, key.name);
  }
  return out;
}

} // namespace dstack::codec
