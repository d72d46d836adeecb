#pragma once
/// Stream sockets: unix, TCP on given addresses, vsock. All close-on-exec.

#include "sys/files.hpp"

#include <chrono>
#include <cstdint>

namespace dstack::sys {

/// Unix sockets work below any directory depth: the path is opened relative to its directory, so
/// the 108-byte limit of sun_path does not apply to the whole path.
Result<Fd> listen_unix(const fs::path& path, unsigned mode); ///< replaces a stale socket file
Result<Fd> connect_unix(const fs::path& path);
/// Non-blocking, and not connected at all when the listener's queue is full.
Result<Fd> connect_unix_at_once(const fs::path& path);
/// "127.0.0.1", port 0 = any; numeric addresses only (v4 or v6).
Result<Fd> listen_tcp(const std::string& address, std::uint16_t port);
Result<Fd>
connect_tcp(const std::string& address, std::uint16_t port, std::chrono::milliseconds deadline);
Result<std::uint16_t> local_port(int fd);
/// Numeric address of the other end, an IPv4 one as such on a socket of IPv6 too; empty when it has
/// none (a unix socket).
std::string peer_address(int fd);
Result<std::uint16_t> peer_port(int fd); ///< of a TCP connection
Result<Fd> listen_vsock(std::uint32_t port);
Result<Fd> connect_vsock(std::uint32_t cid, std::uint32_t port);
/// Next connection (blocking or not as the listener is); non-blocking result when asked.
Result<Fd> accept_one(int listener);

/// A free TCP port on an address, found by binding port 0. Another process may take it afterwards:
/// callers retry on failure.
Result<std::uint16_t> free_port(const std::string& address);

} // namespace dstack::sys
