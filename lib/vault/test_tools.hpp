#pragma once
/// For tests only: a folder, an expected error and a changed text.

#include "sys/files.hpp"

#include <doctest/doctest.h>

namespace dstack::vault::testing {

struct Scratch {
  Scratch() : path(*sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-vault-test"))
  {
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { static_cast<void>(sys::remove_tree(path)); }
  sys::fs::path path;
};

Errc code_of(const auto& result)
{
  REQUIRE_FALSE(result);
  return result.error().code();
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to)
{
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

} // namespace dstack::vault::testing
