#pragma once
/// When the peers of a WireGuard interface were heard last.

#include "base/text.hpp"

namespace dstack::gatewayclient {

/// The newest in the text of `wg show IF latest-handshakes` (a line for each peer: key, tab, Unix
/// seconds; 0: never). 0 without peers.
Result<std::int64_t> newest_handshake(std::string_view text);

} // namespace dstack::gatewayclient
