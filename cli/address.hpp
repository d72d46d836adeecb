#pragma once
/// "ADDRESS:PORT" as people type it.

#include "base/result.hpp"

#include <cstdint>

namespace dstack::cli {

struct Address {
  std::string host; ///< numeric, without brackets
  std::uint16_t port = 0;
};

/// "127.0.0.1:8080", "[::1]:8080"; option names where it was typed.
Result<Address> parse_address(std::string_view option, const std::string& text);
/// The other way, with the port really bound.
std::string address_text(const Address& address, std::uint16_t port);

} // namespace dstack::cli
