// Runs a fuzz target over a corpus directory without libFuzzer: every file, every truncation of it
// and every single-byte change at a few places. A crash fails the test.
#include "base/result.hpp"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::size_t replay(const std::vector<std::uint8_t>& input)
{
  constexpr std::size_t most_truncations = 512;
  std::size_t runs = 0;
  const auto run = [&](const std::vector<std::uint8_t>& bytes) {
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    ++runs;
  };
  run(input);
  const std::size_t step = input.size() / most_truncations + 1;
  for (std::size_t n = 0; n < input.size(); n += step)
    run({input.begin(), input.begin() + static_cast<std::ptrdiff_t>(n)});
  for (std::size_t at = 0; at < input.size(); at += step) {
    std::vector<std::uint8_t> changed = input;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0xffU);
    run(changed);
  }
  return runs;
}

} // namespace

int main(int argc, char** argv)
{
  std::size_t files = 0;
  std::size_t runs = replay({});
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::exists(argv[i])) continue;
    for (const auto& entry : std::filesystem::directory_iterator{argv[i]}) {
      std::ifstream in{entry.path(), std::ios::binary};
      const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
      runs += replay({bytes.begin(), bytes.end()});
      ++files;
    }
  }
  std::printf("%zu files, %zu runs, no crash\n", files, runs);
  return files > 0 ? 0 : 1;
}
