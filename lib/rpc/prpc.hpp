#pragma once
/// The guest API's framing, JSON half (spec guest 1.1 to 1.4): one path segment names the method;
/// every failure is HTTP 400 with {"error": …} in two-space JSON; non-ASCII is escaped because
/// one published client counts characters instead of bytes (spec guest 1.5).

#include "codec/json.hpp"
#include "http/message.hpp"

#include <functional>
#include <map>

namespace dstack::rpc {

using Method = std::function<Result<codec::Json>(const codec::Json& params)>;

struct Service {
  std::string mount = "/";    ///< "/", "/prpc/" or "/api/"
  std::string trimmed_prefix; ///< "Tappd." and the like, removed from method names
  std::map<std::string, Method, std::less<>> methods;
};

/// Answers one request. Unknown methods are 400 "Service not found: X"; other paths are 404.
http::Response answer(const Service& service, const http::Request& request);

} // namespace dstack::rpc
