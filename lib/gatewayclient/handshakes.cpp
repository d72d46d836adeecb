#include "gatewayclient/handshakes.hpp"

#include <algorithm>

namespace dstack::gatewayclient {

Result<std::int64_t> newest_handshake(std::string_view text)
{
  constexpr std::uint64_t year_10000 = 253'402'300'800;
  std::int64_t newest = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto words = split(line, '\t');
    if (words.size() != 2)
      return fail(Errc::malformed, "wg show: a line of {} words (want 2)", words.size());
    const std::uint64_t at = TRY(parse_u64(words[1]).within("wg show: handshake"));
    if (at >= year_10000) return fail(Errc::malformed, "wg show: handshake {}", at);
    newest = std::max(newest, static_cast<std::int64_t>(at));
  }
  return newest;
}

} // namespace dstack::gatewayclient
