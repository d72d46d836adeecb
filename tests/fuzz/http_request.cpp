// links: http
// Whole and byte by byte must agree; what is accepted has exactly one Host.
#include "http/message.hpp"

#include <optional>

using namespace dstack;

namespace {

constexpr http::MessageLimits limits{4096, 65536};

std::optional<http::Request> parse(std::string_view data, std::size_t step)
{
  http::RequestParser parser{limits};
  while (!data.empty() && !parser.complete()) {
    const std::string_view piece = data.substr(0, step);
    const auto used = parser.feed(piece);
    if (!used) return std::nullopt;
    if (*used < piece.size()) break;
    data.remove_prefix(piece.size());
  }
  if (!parser.complete()) return std::nullopt;
  return parser.take();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  const auto whole = parse(text, text.size());
  const auto slow = parse(text, 1);
  DSTACK_ASSERT(whole.has_value() == slow.has_value());
  if (!whole) return 0;
  DSTACK_ASSERT(whole->target == slow->target && whole->body == slow->body);
  DSTACK_ASSERT(whole->header("host") != nullptr);
  DSTACK_ASSERT(whole->body.size() <= limits.max_body_bytes);
  return 0;
}
