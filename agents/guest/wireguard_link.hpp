#pragma once
/// Making and removing the interface of the gateway's network, by rtnetlink(7): the image has no
/// `ip`, and the socket interface cannot make devices. Peers are set by `wg`, addresses and routes
/// by network.hpp.

#include "base/result.hpp"

namespace dstack::guest {

inline constexpr const char* wireguard_interface = "dstack-wg0";

/// Fine when it is there already, or gone already.
Status make_wireguard();
Status remove_wireguard();

} // namespace dstack::guest
