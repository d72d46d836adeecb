#pragma once
/// Which proxy libcurl takes for a URL, for error messages: it is easily forgotten that one is set.

#include <functional>
#include <string>
#include <string_view>

namespace dstack::fetch {

/// Host of an http(s) URL without user, port and brackets.
std::string host_of(std::string_view url);

/// " (through the proxy proxy:3128 from https_proxy)", without its password, or empty text. get
/// returns the value of an environment variable, empty when unset.
std::string proxy_note(std::string_view url, const std::function<std::string(const char*)>& get);

} // namespace dstack::fetch
