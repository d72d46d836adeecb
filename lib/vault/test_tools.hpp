#pragma once
/// For tests only: an expected error and a changed text.

#include "base/result.hpp"

#include <doctest/doctest.h>

namespace dstack::vault::testing {

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
