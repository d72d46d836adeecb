// links: http
// Whole, halved and byte by byte must agree; what is accepted has one Host (none only where the
// target names it), keeps its limits, and reads the same after being written again.
#include "base/text.hpp"
#include "http/message.hpp"

#include <algorithm>
#include <optional>

using namespace dstack;

namespace {

constexpr http::MessageLimits limits{1024, 2048};

struct Outcome {
  http::Request request;
  std::size_t used = 0;
};

std::optional<Outcome> parse(std::string_view data, std::size_t step)
{
  http::RequestParser parser{limits};
  Outcome out;
  while (!data.empty() && !parser.complete()) {
    const std::string_view piece = data.substr(0, step);
    const auto used = parser.feed(piece);
    if (!used) return std::nullopt;
    DSTACK_ASSERT(*used <= piece.size());
    DSTACK_ASSERT(*used == piece.size() || parser.complete());
    out.used += *used;
    data.remove_prefix(*used);
  }
  if (!parser.complete()) return std::nullopt;
  out.request = parser.take();
  return out;
}

bool same(const http::Request& a, const http::Request& b)
{
  const auto equal = [](const http::Header& x, const http::Header& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.method == b.method && a.target == b.target && a.body == b.body &&
         a.keep_alive == b.keep_alive &&
         std::equal(a.headers.begin(), a.headers.end(), b.headers.begin(), b.headers.end(), equal);
}

/// Written with a length of its own, it is the same request.
void check_rewritten(http::Request request)
{
  const std::string* given = request.header("Host");
  const std::string host = given != nullptr ? *given : "localhost";
  std::erase_if(request.headers, [](const http::Header& header) {
    const std::string name = lower(header.name);
    return name == "host" || name == "content-length" || name == "transfer-encoding" ||
           name == "connection";
  });
  const auto again = parse(http::write_request(request, host), 4096);
  if (!again) return; // the header may have grown beyond its limit
  DSTACK_ASSERT(again->request.method == request.method && again->request.body == request.body);
  DSTACK_ASSERT(again->request.target == request.target && *again->request.header("Host") == host);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  const auto whole = parse(text, size + 1);
  for (const std::size_t step : {std::size_t{1}, size / 2 + 1}) {
    const auto pieces = parse(text, step);
    DSTACK_ASSERT(whole.has_value() == pieces.has_value());
    if (whole) DSTACK_ASSERT(same(whole->request, pieces->request) && whole->used == pieces->used);
  }
  if (!whole) return 0;
  const http::Request& request = whole->request;
  const auto hosts =
      std::count_if(request.headers.begin(), request.headers.end(),
                    [](const http::Header& header) { return lower(header.name) == "host"; });
  DSTACK_ASSERT(hosts == 1 || (hosts == 0 && request.target.starts_with("http://")));
  DSTACK_ASSERT(request.path().find('?') == std::string_view::npos);
  DSTACK_ASSERT(request.body.size() <= limits.max_body_bytes);
  static_cast<void>(http::parse_query(request.query()));
  check_rewritten(request);
  return 0;
}
