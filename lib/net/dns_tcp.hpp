#pragma once
/// DNS messages over a TCP connection (RFC 1035 4.2.2).

#include "sys/fd.hpp"

#include <chrono>

namespace dstack::net {

/// Sends one message over a connected socket and reads the one that comes back.
Result<Bytes> exchange_dns(int fd, ByteView message, std::chrono::milliseconds deadline);

} // namespace dstack::net
