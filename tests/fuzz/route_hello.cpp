// links: route
// Whole, halved, byte by byte (long ones: in 256 pieces) and cut into one record a byte must agree;
// a name that comes out is one that DNS could know.
#include "route/client_hello.hpp"
#include "route/host_name.hpp"

using namespace dstack;
using route::HelloPeeker;

namespace {

HelloPeeker::Outcome peek(ByteView data, std::size_t step)
{
  HelloPeeker peeker;
  HelloPeeker::Outcome out;
  for (std::size_t at = 0; at < data.size(); at += step) {
    out = peeker.feed(data.subspan(at, std::min(step, data.size() - at)));
    if (!std::holds_alternative<HelloPeeker::NeedMore>(out)) break;
  }
  const Bytes kept = peeker.take_bytes();
  DSTACK_ASSERT(kept.size() <= data.size() && equal(kept, data.first(kept.size())));
  return out;
}

/// The same message, each of its bytes in a record of its own.
Bytes in_small_records(ByteView message)
{
  ByteWriter out;
  for (const std::uint8_t byte : message)
    out.u8(22).u16be(0x0301).u16be(1).u8(byte);
  return out.take();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView bytes{data, size};
  const auto whole = peek(bytes, size + 1);
  DSTACK_ASSERT(whole == peek(bytes, size / 256 + 1));
  DSTACK_ASSERT(whole == peek(bytes, size / 2 + 1));
  const auto* hello = std::get_if<route::Hello>(&whole);
  if (hello != nullptr && !hello->server_name.empty()) {
    DSTACK_ASSERT(route::kind_of(hello->server_name) == route::NameKind::dns);
    DSTACK_ASSERT(*route::host_name(hello->server_name) == hello->server_name);
  }
  // One whole record: its content, cut differently, is the same message.
  constexpr std::size_t most = route::max_hello_wire / 6;
  if (hello != nullptr && size > 5 && size - 5 < most && (data[3] << 8U | data[4]) + 5U == size)
    DSTACK_ASSERT(peek(in_small_records(bytes.subspan(5)), size) == whole);
  return 0;
}
