#include "kms/log_lines.hpp"

#include <algorithm>

namespace dstack::kms {

Result<LinesEnd> each_line(std::string_view text,
                           const std::function<Status(std::string_view)>& next)
{
  LinesEnd out;
  std::size_t number = 0;
  while (out.whole < text.size()) {
    const std::size_t end = text.find('\n', out.whole);
    ++number;
    if (end == std::string_view::npos) {
      const std::string_view rest = text.substr(out.whole);
      out.unended = bool{next(rest)};
      if (out.unended)
        out.whole = text.size();
      else
        out.torn = rest.size();
      break;
    }
    TRY(next(text.substr(out.whole, end - out.whole)).within("line {}", number));
    out.whole = end + 1;
  }
  return out;
}

std::string sealed(std::string_view body, std::string_view name, ByteView seal)
{
  DSTACK_ASSERT(body.size() > 2 && body.ends_with('}'));
  return fmt::format("{},\"{}\":\"{}\"}}", body.substr(0, body.size() - 1), name, hex(seal));
}

std::optional<SealedLine>
unsealed(std::string_view line, std::string_view name, std::size_t seal_size)
{
  const std::string head = fmt::format(",\"{}\":\"", name);
  constexpr std::string_view tail = "\"}";
  const std::size_t length = head.size() + 2 * seal_size + tail.size();
  if (line.size() <= length) return {};
  const std::string_view last = line.substr(line.size() - length);
  if (!last.starts_with(head) || !last.ends_with(tail)) return {};
  const std::string_view text = last.substr(head.size(), 2 * seal_size);
  auto seal = parse_hex(text);
  if (!seal || hex(*seal) != text) return {};
  return SealedLine{std::string{line.substr(0, line.size() - length)} + "}", std::move(*seal)};
}

} // namespace dstack::kms
