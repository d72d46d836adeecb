#pragma once
/// Lists of words in policies.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace dstack::kms {

inline constexpr std::string_view star = "*"; ///< in a list: any word

inline bool contains(const std::vector<std::string>& words, std::string_view word)
{
  return std::find(words.begin(), words.end(), word) != words.end();
}

} // namespace dstack::kms
