#include "tool.hpp"

#include <csignal>
#include <cstdio>

namespace dstack::gateway_load {

int tool(const char* name,
         Result<codec::Json> (*run)(const std::vector<std::string>&),
         const std::vector<std::string>& words)
{
  std::signal(SIGPIPE, SIG_IGN);
  const auto result = run(words);
  if (!result) {
    std::fprintf(stderr, "%s: %s\n", name, result.error().message().c_str());
    return result.error().code() == Errc::usage ? 2 : 1;
  }
  std::printf("%s\n", codec::write_json(*result).c_str());
  return 0;
}

} // namespace dstack::gateway_load
