#include "base/result.hpp"

#include <cstdio>
#include <cstdlib>

namespace dstack {

std::string_view name_of(Errc code)
{
  switch (code) {
  case Errc::usage:
    return "usage";
  case Errc::config:
    return "config";
  case Errc::io:
    return "io";
  case Errc::timeout:
    return "timeout";
  case Errc::not_found:
    return "not_found";
  case Errc::malformed:
    return "malformed";
  case Errc::unsupported:
    return "unsupported";
  case Errc::untrusted:
    return "untrusted";
  case Errc::denied:
    return "denied";
  case Errc::internal:
    return "internal";
  }
  bug("unknown error code");
}

void bug(std::string_view what, const char* file, int line)
{
  std::fprintf(stderr, "dstack: internal error: %.*s (%s:%d); please report this\n",
               static_cast<int>(what.size()), what.data(), file, line);
  std::abort();
}

} // namespace dstack
