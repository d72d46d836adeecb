#pragma once
/// For tests only: published evidence, when it is there.

#include "base/test_vectors.hpp"

#include <doctest/doctest.h>

namespace dstack::verify::test {

inline std::filesystem::path vectors()
{
  return test_vectors() / "attest";
}

/// Says so when a test cannot run.
inline bool present()
{
  if (std::filesystem::exists(vectors())) return true;
  MESSAGE("not run: no vectors at " << vectors().string());
  return false;
}

} // namespace dstack::verify::test
