#include "fetch/http_client.hpp"

#include "base/text.hpp"

#include <cstdlib>
#include <curl/curl.h>
#include <memory>

namespace dstack::fetch {

namespace {

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

constexpr long low_speed_bytes = 64; ///< per second, over low_speed_seconds
constexpr long low_speed_seconds = 60;
constexpr std::size_t max_header_bytes = std::size_t{64} << 10U;

/// One transfer's state, reached from libcurl's callbacks.
struct Transfer {
  const ClientLimits* limits = nullptr;
  const BodySink* sink = nullptr;
  CURL* handle = nullptr;
  http::Response response;
  std::size_t received = 0;
  std::size_t header_bytes = 0;
  Status failure = ok();
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
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
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
  if (line.starts_with("HTTP/"))
    transfer.response.headers.clear(); // a redirect's answer came before
  const auto colon = line.find(':');
  if (colon != std::string_view::npos)
    transfer.response.headers.push_back(
        {std::string{line.substr(0, colon)}, std::string{trim(line.substr(colon + 1))}});
  return line.size();
}

/// libcurl takes its proxy from these variables; a failure names it, because it is easily
/// forgotten.
std::string proxy_note(std::string_view url)
{
  const bool secure = url.starts_with("https:");
  for (const char* name :
       {secure ? "https_proxy" : "http_proxy", secure ? "HTTPS_PROXY" : "", "all_proxy"}) {
    const char* value = *name == '\0' ? nullptr : std::getenv(name);
    if (value != nullptr && *value != '\0') return fmt::format(" (through the proxy in {})", name);
  }
  return "";
}

void set_common(CURL* handle, const ClientRequest& request, const ClientLimits& limits)
{
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  const bool secure = request.url.starts_with("https:");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, limits.max_redirects > 0 ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, static_cast<long>(limits.max_redirects));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, low_speed_bytes);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, low_speed_seconds);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "dstack/0.1");
  if (request.method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (request.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
  }
}

Error failed(CURLcode code, const ClientRequest& request)
{
  const Errc kind = code == CURLE_OPERATION_TIMEDOUT ? Errc::timeout : Errc::io;
  return fail(kind, "{} {}: {}{}", request.method, request.url, curl_easy_strerror(code),
              proxy_note(request.url));
}

Result<http::Response>
perform(const ClientRequest& request, const ClientLimits& limits, const BodySink* sink)
{
  const Easy handle{curl_easy_init()};
  if (!handle) return fail(Errc::io, "libcurl could not start");
  Transfer transfer;
  transfer.limits = &limits;
  transfer.sink = sink;
  transfer.handle = handle.get();
  set_common(handle.get(), request, limits);
  HeaderList list;
  for (const http::Header& header : request.headers)
    list.reset(curl_slist_append(list.release(),
                                 fmt::format("{}: {}", header.name, header.value).c_str()));
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle.get(), CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle.get(), CURLOPT_HEADERDATA, &transfer);
  const CURLcode code = curl_easy_perform(handle.get());
  if (!transfer.failure)
    return Error{transfer.failure.error()}.within(
        fmt::format("{} {}", request.method, request.url));
  if (code != CURLE_OK) return failed(code, request);
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

} // namespace

HttpClient::HttpClient()
{
  // Once per process, before any thread of ours uses the library.
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  DSTACK_ASSERT(started == CURLE_OK);
}

Result<http::Response> HttpClient::send(const ClientRequest& request, const ClientLimits& limits)
{
  return perform(request, limits, nullptr);
}

Result<http::Response>
HttpClient::send(const ClientRequest& request, const ClientLimits& limits, const BodySink& sink)
{
  return perform(request, limits, &sink);
}

} // namespace dstack::fetch
