// links: attest
// A log that reads writes back to a log that reads and replays the same.
#include "attest/event_log.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  if (const auto event = attest::from_log_line(text)) {
    const auto again = attest::from_log_line(attest::to_log_line(*event));
    DSTACK_ASSERT(again && *again == *event);
  }
  const auto json = codec::parse_json(text, {.max_bytes = 65536});
  if (!json) return 0;
  const auto log = attest::log_from_json(*json);
  if (!log) return 0;
  const auto again = attest::log_from_json(attest::to_json(*log));
  DSTACK_ASSERT(again && again->size() == log->size());
  for (std::uint32_t imr = 0; imr < 4; ++imr) {
    const auto first = attest::replay(*log, imr);
    const auto second = attest::replay(*again, imr);
    DSTACK_ASSERT(static_cast<bool>(first) == static_cast<bool>(second));
    DSTACK_ASSERT(!first || *first == *second);
  }
  return 0;
}
