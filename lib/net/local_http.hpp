#pragma once
/// Blocking HTTP/1.1 client over an already connected socket (unix, vsock): small, no libcurl, so
/// it can live in the guest agent too.

#include "http/message.hpp"
#include "sys/fd.hpp"

#include <chrono>
#include <functional>

namespace dstack::net {

struct LocalLimits {
  std::chrono::milliseconds deadline{30'000}; ///< for the whole exchange (ignored while streaming)
  http::MessageLimits message;
};

/// Sends one request and reads its answer. request.body is sent with Content-Length.
Result<http::Response> exchange(int fd, const http::Request& request, const LocalLimits& limits);
/// Sends a request whose body of body_size bytes comes from produce (called until it returns
/// empty).
Result<http::Response> exchange_upload(int fd,
                                       http::Request request,
                                       std::uint64_t body_size,
                                       const std::function<Result<Bytes>()>& produce,
                                       const LocalLimits& limits);
/// Streams the body of a 2xx answer piece by piece until the peer ends it or sink fails.
Result<http::Response> exchange_stream(int fd,
                                       const http::Request& request,
                                       const LocalLimits& limits,
                                       const std::function<Status(std::string_view)>& sink);

} // namespace dstack::net
