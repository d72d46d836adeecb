#pragma once
/// Waiting for a descriptor, with a deadline. Not for use outside net.

#include "sys/clock.hpp"
#include "sys/fd.hpp"

namespace dstack::net {

/// Until one of the events (POLLIN, POLLOUT) or an error is there; Errc::timeout.
Status wait_for(int fd, short events, const sys::Deadline& deadline);

} // namespace dstack::net
