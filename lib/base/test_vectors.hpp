#pragma once
/// For tests only: where published data lies, when it is there.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace dstack {

/// DSTACK_VECTORS, or ../shared/vectors beside the checkout; may not exist.
inline std::filesystem::path test_vectors()
{
  const char* place = std::getenv("DSTACK_VECTORS");
  return (place != nullptr ? std::filesystem::path{place}
                           : std::filesystem::path{DSTACK_SOURCE_DIR} / "../shared/vectors") /
         "open";
}

inline std::string slurp(const std::filesystem::path& file)
{
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace dstack
