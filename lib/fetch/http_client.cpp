#include "fetch/http_client.hpp"

#include "base/text.hpp"
#include "fetch/curl.hpp"
#include "fetch/proxy.hpp"
#include "fetch/redirect.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <sys/socket.h>

namespace dstack::fetch {

namespace {

constexpr long low_speed_bytes = 64; ///< per second, over the limits' longest_silence
constexpr std::size_t max_header_bytes = std::size_t{64} << 10U;
constexpr std::size_t max_idle_handles = 8;

std::string variable(const char* name)
{
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

/// One transfer's state, reached from libcurl's callbacks.
struct Transfer {
  const ClientLimits* limits = nullptr;
  const BodySink* sink = nullptr;
  CURL* handle = nullptr;
  http::Response response;
  std::size_t received = 0;
  std::size_t header_bytes = 0;
  Status failure = ok();
  std::array<char, CURL_ERROR_SIZE> detail{};
};

std::size_t on_body(char* data, std::size_t unit, std::size_t count, void* opaque)
{
  auto& transfer = *static_cast<Transfer*>(opaque);
  const std::size_t size = unit * count;
  transfer.received += size;
  if (transfer.received > transfer.limits->max_body) {
    transfer.failure =
        fail(Errc::malformed, "the answer is larger than {} bytes", transfer.limits->max_body);
    return 0;
  }
  long status = 0;
  curl().getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.sink != nullptr && status >= 200 && status < 300) {
    transfer.failure = (*transfer.sink)(as_bytes({data, size}));
    return transfer.failure ? size : 0;
  }
  transfer.response.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t unit, std::size_t count, void* opaque)
{
  auto& transfer = *static_cast<Transfer*>(opaque);
  const std::string_view line{data, unit * count};
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > max_header_bytes) {
    transfer.failure = fail(Errc::malformed, "the answer's header is too large");
    return 0;
  }
  if (line.starts_with("HTTP/")) transfer.response.headers.clear(); // a proxy's or interim answer
  const auto colon = line.find(':');
  if (colon != std::string_view::npos)
    transfer.response.headers.push_back(
        {std::string{line.substr(0, colon)}, std::string{trim(line.substr(colon + 1))}});
  return line.size();
}

/// As libcurl does, but a child process started meanwhile does not inherit the connection.
curl_socket_t on_socket(void*, curlsocktype, curl_sockaddr* address)
{
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void set_limits(CURL* handle, const ClientLimits& limits, std::chrono::milliseconds left)
{
  const auto connect = std::min(limits.connect, left);
  curl().setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
  curl().setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
  curl().setopt(handle, CURLOPT_LOW_SPEED_LIMIT, low_speed_bytes);
  curl().setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.longest_silence.count()));
}

/// libcurl asks about once a second, and whenever something moves.
int on_progress(void* opaque, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
  return *static_cast<const std::atomic<bool>*>(opaque) ? 1 : 0;
}

void set_stop(CURL* handle, const std::atomic<bool>* stop)
{
  if (stop == nullptr) return;
  curl().setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl().setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl().setopt(handle, CURLOPT_XFERINFODATA, stop);
}

void set_common(CURL* handle, const ClientRequest& request)
{
  curl().setopt(handle, CURLOPT_URL, request.url.c_str());
  curl().setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl().setopt(handle, CURLOPT_FOLLOWLOCATION, 0L); // followed by us, hop by hop
  curl().setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl().setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl().setopt(handle, CURLOPT_USERAGENT, "dstack/0.1");
  curl().setopt(handle, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) { // as curl(1)
    const std::string bundle = variable(name);
    if (bundle.empty()) continue;
    curl().setopt(handle, CURLOPT_CAINFO, bundle.c_str());
    break;
  }
  if (!request.ca_file.empty()) curl().setopt(handle, CURLOPT_CAINFO, request.ca_file.c_str());
  if (!request.certificate_file.empty()) {
    curl().setopt(handle, CURLOPT_SSLCERT, request.certificate_file.c_str());
    curl().setopt(handle, CURLOPT_SSLKEY, request.key_file.c_str());
  }
  if (request.method == "DELETE") curl().setopt(handle, CURLOPT_CUSTOMREQUEST, "DELETE");
  if (request.method == "HEAD") curl().setopt(handle, CURLOPT_NOBODY, 1L);
  if (request.method == "POST") {
    curl().setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                  static_cast<curl_off_t>(request.body.size()));
    curl().setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
  }
}

void set_callbacks(CURL* handle, Transfer& transfer)
{
  curl().setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl().setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl().setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl().setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl().setopt(handle, CURLOPT_ERRORBUFFER, transfer.detail.data());
}

Result<HeaderList> header_list(const ClientRequest& request)
{
  HeaderList list{curl().append(nullptr, "Expect:")}; // no waiting for "100 Continue"
  for (const http::Header& header : request.headers) {
    const std::string line = fmt::format("{}: {}", header.name, header.value);
    if (line.find_first_of("\r\n") != std::string::npos)
      return fail(Errc::malformed, "header {} holds a line end", printable(header.name));
    list.reset(curl().append(list.release(), line.c_str()));
  }
  return list;
}

Error failed(CURLcode code, const Transfer& transfer, const ClientRequest& request)
{
  const Errc kind = code == CURLE_OPERATION_TIMEDOUT         ? Errc::timeout
                    : code == CURLE_PEER_FAILED_VERIFICATION ? Errc::untrusted
                                                             : Errc::io;
  const std::string_view detail{transfer.detail.data()};
  return fail(kind, "{} {}: {}{}", request.method, printable(request.url),
              detail.empty() ? std::string{curl().strerror(code)} : printable(detail),
              proxy_note(request.url, variable));
}

struct Hop {
  http::Response response;
  std::string redirect; ///< absolute URL, empty when the answer is not a redirect
};

Result<Hop> transfer_once(CURL* handle,
                          const ClientRequest& request,
                          const ClientLimits& limits,
                          std::chrono::milliseconds left,
                          const BodySink* sink)
{
  Transfer transfer;
  transfer.limits = &limits;
  transfer.sink = sink;
  transfer.handle = handle;
  curl().reset(handle); // keeps open connections
  set_common(handle, request);
  set_limits(handle, limits, left);
  set_callbacks(handle, transfer);
  set_stop(handle, request.stop);
  const HeaderList list = TRY(header_list(request));
  curl().setopt(handle, CURLOPT_HTTPHEADER, list.get());
  const CURLcode code = curl().perform(handle);
  curl().setopt(handle, CURLOPT_ERRORBUFFER, nullptr); // transfer ends before the handle
  if (!transfer.failure)
    return Error{transfer.failure.error()}.within(
        fmt::format("{} {}", request.method, printable(request.url)));
  if (code != CURLE_OK) return failed(code, transfer, request);
  long status = 0;
  curl().getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  const char* next = nullptr;
  curl().getinfo(handle, CURLINFO_REDIRECT_URL, &next);
  return Hop{std::move(transfer.response), next == nullptr ? "" : next};
}

Result<http::Response>
perform(CURL* handle, ClientRequest request, const ClientLimits& limits, const BodySink* sink)
{
  const std::string asked = request.url;
  const sys::Deadline deadline{limits.total};
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool may_follow = limits.max_redirects > 0 && reads;
  for (int redirects = 0;; ++redirects) {
    const auto left = std::max(deadline.left(), std::chrono::milliseconds{1}); // 0 is "for ever"
    Hop hop = TRY(transfer_once(handle, request, limits, left, sink));
    if (hop.redirect.empty() || !may_follow) return std::move(hop.response);
    if (redirects == limits.max_redirects)
      return fail(Errc::io, "{} {}: more than {} redirects", request.method, printable(asked),
                  limits.max_redirects);
    request = TRY(redirected(std::move(request), hop.redirect));
  }
}

} // namespace

/// Idle handles with their open connections, for transfers from any thread.
struct HttpClient::Pool {
  Result<Easy> take()
  {
    const std::lock_guard guard{lock};
    if (idle.empty()) return new_easy();
    Easy out = std::move(idle.back());
    idle.pop_back();
    return out;
  }
  void give_back(Easy handle)
  {
    const std::lock_guard guard{lock};
    if (idle.size() < max_idle_handles) idle.push_back(std::move(handle));
  }

  std::mutex lock;
  std::vector<Easy> idle;
};

HttpClient::HttpClient() : pool_(std::make_shared<Pool>()) {}

Result<http::Response>
HttpClient::run(const ClientRequest& request, const ClientLimits& limits, const BodySink* sink)
{
  const std::string& method = request.method;
  if (method != "GET" && method != "HEAD" && method != "POST" && method != "DELETE")
    return fail(Errc::unsupported, "HTTP method {}", printable(method));
  Easy handle = TRY(pool_->take());
  auto response = perform(handle.get(), request, limits, sink);
  pool_->give_back(std::move(handle));
  return response;
}

Result<http::Response> HttpClient::send(const ClientRequest& request, const ClientLimits& limits)
{
  return run(request, limits, nullptr);
}

Result<http::Response>
HttpClient::send(const ClientRequest& request, const ClientLimits& limits, const BodySink& sink)
{
  return run(request, limits, &sink);
}

} // namespace dstack::fetch
