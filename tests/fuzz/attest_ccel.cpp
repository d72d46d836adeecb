// links: attest
// What is accepted fits its input, names registers that exist, and replays.
#include "attest/ccel.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto log = attest::parse_ccel({data, size});
  if (!log) return 0;
  std::size_t held = 0;
  for (const attest::TdxEvent& event : *log) {
    held += event.payload.size() + event.digest.value().size();
    DSTACK_ASSERT(event.imr < 4);
  }
  DSTACK_ASSERT(held <= size);
  for (std::uint32_t imr = 0; imr < 3; ++imr)
    DSTACK_ASSERT(attest::replay(*log, imr));
  const auto again = attest::log_from_json(attest::to_json(*log));
  DSTACK_ASSERT(again && again->size() == log->size());
  return 0;
}
