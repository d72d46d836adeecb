#pragma once
/// HTTPS client over libcurl. Nothing is unbounded: every call states a deadline and a size limit.

#include "http/message.hpp"
#include "sys/files.hpp"

#include <atomic>
#include <chrono>
#include <functional>

namespace dstack::fetch {

struct ClientRequest {
  std::string method = "GET"; ///< GET, HEAD, POST, DELETE
  std::string url;            ///< http:// or https://
  std::vector<http::Header> headers;
  std::string body{};
  std::string ca_file{}; ///< PEM: roots to trust instead of the system's
  std::string certificate_file{}; ///< PEM: shown to the server, with its key
  std::string key_file{};
  const std::atomic<bool>* stop = nullptr; ///< true ends the transfer within a second or two
};

struct ClientLimits {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds total{60'000};
  std::size_t max_body = std::size_t{4} << 20U;
  int max_redirects = 0; ///< of GET and HEAD; never from https to http; 0: the 3xx is the answer
  /// An answer may be slower than 64 bytes a second for so long; 0: for ever.
  std::chrono::seconds longest_silence{60};
};

/// Receives body bytes as they come; an error stops the transfer and is returned.
using BodySink = std::function<Status(ByteView)>;

/// Keeps connections for the next request. Copies share them; any thread may send.
class HttpClient {
public:
  HttpClient();
  /// Any HTTP status is a Response; failures to talk are errors naming the URL (and proxy in use).
  /// Credentials in headers do not follow a redirect to another host.
  Result<http::Response> send(const ClientRequest& request, const ClientLimits& limits);
  /// As send, with the body of a 2xx answer given to the sink (other statuses: body in Response).
  Result<http::Response>
  send(const ClientRequest& request, const ClientLimits& limits, const BodySink& sink);

private:
  struct Pool;
  Result<http::Response>
  run(const ClientRequest& request, const ClientLimits& limits, const BodySink* sink);

  std::shared_ptr<Pool> pool_;
};

} // namespace dstack::fetch
