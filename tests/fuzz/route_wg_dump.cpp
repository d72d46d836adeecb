// links: route
// What wg shows: what is read can be written as a configuration without gaining lines.
#include "route/wireguard.hpp"

#include <algorithm>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto state = route::parse_wg_dump(as_text({data, size}));
  if (!state) return 0;
  std::vector<route::WgPeer> peers;
  std::size_t lines = 3;
  for (const auto& peer : state->peers) {
    DSTACK_ASSERT(peer.latest_handshake >= 0);
    peers.push_back({peer.public_key, peer.allowed, peer.endpoint, peer.keepalive_seconds});
    lines += 3 + (peer.allowed.empty() ? 0U : 1U) + (peer.endpoint ? 1U : 0U) +
             (peer.keepalive_seconds != 0 ? 1U : 0U);
  }
  const SecretBytes text = route::wg_config(Secret<32>{}, state->listen_port, peers);
  const ByteView view = text.view();
  DSTACK_ASSERT(static_cast<std::size_t>(std::count(view.begin(), view.end(), '\n')) == lines);
  return 0;
}
