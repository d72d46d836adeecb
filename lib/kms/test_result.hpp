#pragma once
/// What came of something, in words, for tests.

#include "base/result.hpp"

namespace dstack::kms::test {

template <class T> std::string why(const Result<T>& result)
{
  return result ? "accepted" : result.error().message();
}

} // namespace dstack::kms::test
