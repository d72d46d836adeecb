#pragma once
/// Host names to addresses over DNS (RFC 1035), through c-ares: with a deadline, and without
/// glibc's resolver, which a static program cannot have.

#include "sys/fd.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace dstack::net {

inline constexpr std::size_t max_addresses = 16;

/// Numeric addresses of a host, IPv4 first, at most max_addresses; a numeric address is its own.
/// Servers are numeric too, with a port or without ("192.0.2.1:53"); none given: those of this
/// machine's /etc/resolv.conf, after /etc/hosts. Errc::not_found: there is no such host, or it has
/// no address.
Result<std::vector<std::string>> resolve(const std::string& host,
                                         const std::vector<std::string>& servers,
                                         std::chrono::milliseconds deadline);

/// One question: the answer's whole message (RFC 1035 4.1), also one that says that there is no
/// such name or record. record_type: RFC 1035 3.2.2. Servers as above.
Result<Bytes> query_dns(const std::string& name,
                        std::uint16_t record_type,
                        const std::vector<std::string>& servers,
                        std::chrono::milliseconds deadline);

/// A TCP connection to the first address of a host that takes one; the deadline is for everything.
Result<sys::Fd> connect_host(const std::string& host,
                             std::uint16_t port,
                             const std::vector<std::string>& servers,
                             std::chrono::milliseconds deadline);

} // namespace dstack::net
