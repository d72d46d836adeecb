#pragma once
/// Which addresses collateral may be fetched from (spec verify 9.1, 9.2).

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace dstack::fetch {

/// "https://host[:port][/path]" without a slash at the end: the address of a service as a person
/// writes it, also with /sgx/certification/v4, /tdx/certification/v4 or /vcek/v1 appended. Plain
/// http only for this machine; no user, query or fragment. Errors are Errc::config.
Result<std::string> service_base(std::string_view text);

/// "https://host:port" of a URL, lower-case.
std::string origin_of(std::string_view url);

/// localhost, 127.0.0.0/8 or ::1, as host_of() gives it.
bool is_loopback(std::string_view host);

} // namespace dstack::fetch
