// links: guestapi
// The query of /logs: what is accepted stays within its ranges and cannot change the request to
// dockerd.
#include "base/bytes.hpp"
#include "guestapi/log_query.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  constexpr Time now{1'700'000'000'000};
  const auto query = guestapi::parse_log_query(as_text({data, size}), now);
  if (!query) {
    DSTACK_ASSERT(query.error().message().starts_with("Invalid "));
    return 0;
  }
  DSTACK_ASSERT(query->since >= 0 && query->until >= 0);
  DSTACK_ASSERT(query->tail == "all" || parse_u64(query->tail));
  return 0;
}
