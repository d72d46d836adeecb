// links: http
// Whole and byte by byte must agree; drained or held, a body is the same bytes.
#include "http/message.hpp"

#include <optional>

using namespace dstack;

namespace {

constexpr http::MessageLimits limits{1024, 65536};

enum class Body { held, drained };

struct Outcome {
  int status = 0;
  std::string body;
  std::size_t headers = 0;
};

std::optional<Outcome> parse(std::string_view data, std::size_t step, Body how)
{
  http::ResponseParser parser{limits};
  std::string drained;
  while (!data.empty() && !parser.complete()) {
    const std::string_view piece = data.substr(0, step);
    const auto used = parser.feed(piece);
    if (!used) return std::nullopt;
    DSTACK_ASSERT(*used == piece.size() || (*used < piece.size() && parser.complete()));
    if (how == Body::drained && parser.headers_complete()) drained += parser.drain_body();
    data.remove_prefix(*used);
  }
  if (!parser.complete() && !parser.end_of_input()) return std::nullopt;
  DSTACK_ASSERT(parser.complete() && parser.headers_complete());
  http::Response response = parser.take();
  return Outcome{response.status, drained + response.body, response.headers.size()};
}

bool same(const std::optional<Outcome>& a, const std::optional<Outcome>& b)
{
  if (!a || !b) return a.has_value() == b.has_value();
  return a->status == b->status && a->body == b->body && a->headers == b->headers;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  if (size > limits.max_body_bytes) return 0; // held and drained bodies differ beyond the limit
  const auto whole = parse(text, size + 1, Body::held);
  DSTACK_ASSERT(same(whole, parse(text, 1, Body::held)));
  DSTACK_ASSERT(same(whole, parse(text, 1, Body::drained)));
  DSTACK_ASSERT(same(whole, parse(text, size / 2 + 1, Body::drained)));
  if (whole) DSTACK_ASSERT(whole->body.size() <= size);
  return 0;
}
