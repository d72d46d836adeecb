#include "agents/launch/process.hpp"

#include "agents/launch/log.hpp"

#include <cstdlib>
#include <sys/resource.h>

namespace dstack::launch {

namespace {

int exit_status(Errc code)
{
  switch (code) {
  case Errc::usage:
  case Errc::config:
    return 2;
  case Errc::untrusted:
  case Errc::denied:
    return 3;
  case Errc::malformed:
  case Errc::unsupported:
    return 4;
  case Errc::io:
  case Errc::timeout:
  case Errc::not_found:
  case Errc::internal:
    return 1;
  }
  return 1;
}

} // namespace

std::string environment(const char* name)
{
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void raise_descriptor_limit()
{
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

int run_agent(std::string_view name, const std::function<Result<int>(Readiness&)>& run)
{
  settle();
  Readiness readiness;
  const auto status = run(readiness);
  if (status) return *status;
  readiness.failed(status.error());
  Log{}.error(name, status.error().message());
  return exit_status(status.error().code());
}

} // namespace dstack::launch
