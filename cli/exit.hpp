#pragma once
/// Exit statuses: a script can tell "rejected" from "could not check" from "wrong use".

#include "base/result.hpp"

namespace dstack::cli {

enum class Exit : int {
  ok = 0,
  failed = 1,     ///< could not do it, or could not decide; trying again may help
  usage = 2,      ///< wrong command line or configuration
  refused = 3,    ///< the answer is no
  malformed = 4,  ///< input that does not follow its format, or that dstack cannot work with
  difference = 6, ///< a difference was found (by diagnose, or where --exit-code was given)
  waited = 8,     ///< the time to wait ran out; the VM keeps running
  conflict = 9,   ///< another command is changing the same thing
  bug = 70        ///< a mistake in dstack itself
};

/// The status a failure of this kind ends with.
constexpr Exit exit_of(Errc code)
{
  switch (code) {
  case Errc::usage:
  case Errc::config:
    return Exit::usage;
  case Errc::io:
  case Errc::timeout:
  case Errc::not_found:
  case Errc::internal:
    return Exit::failed;
  case Errc::malformed:
  case Errc::unsupported:
    return Exit::malformed;
  case Errc::untrusted:
  case Errc::denied:
    return Exit::refused;
  }
  return Exit::bug;
}

/// A value typed on the command line that does not fit is wrong use, whatever checked it.
template <class T> Result<T> as_usage(Result<T> result)
{
  if (result) return result;
  return Error{Errc::usage, result.error().message()};
}

} // namespace dstack::cli
