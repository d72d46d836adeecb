#pragma once
/// IP addresses, networks and endpoints as values. Names are never looked up here.

#include "base/bytes.hpp"

#include <compare>

namespace dstack::route {

/// IPv4 or IPv6; an IPv4-mapped IPv6 address is its IPv4 address, however it was written.
class Address {
public:
  Address() = default; ///< 0.0.0.0
  static Address v4(std::uint32_t host_order);
  static Address v4(std::span<const std::uint8_t, 4> bytes);
  static Address v6(std::span<const std::uint8_t, 16> bytes);

  bool is_v4() const { return v4_; }
  unsigned bits() const { return v4_ ? 32 : 128; }
  /// 4 or 16 bytes, network order.
  ByteView bytes() const { return ByteView{bytes_}.first(v4_ ? 4 : 16); }
  /// Host order; only of an IPv4 address.
  std::uint32_t v4_value() const;
  std::string text() const;
  auto operator<=>(const Address&) const = default;

private:
  bool v4_ = true;
  std::array<std::uint8_t, 16> bytes_{};
};

/// "192.0.2.1", "2001:db8::1": no port, zone, brackets, prefix, blanks or leading zeros.
Result<Address> parse_address(std::string_view text);

struct Endpoint {
  Address address{};
  std::uint16_t port = 0;
  std::string text() const; ///< "192.0.2.1:80", "[2001:db8::1]:80"
  auto operator<=>(const Endpoint&) const = default;
};

/// As Endpoint::text() writes it.
Result<Endpoint> parse_endpoint(std::string_view text);

class Network {
public:
  Network() = default; ///< 0.0.0.0/0
  /// The address' host bits are cut off. A prefix longer than the address is our own bug.
  Network(const Address& address, unsigned prefix);

  const Address& base() const { return base_; }
  unsigned prefix() const { return prefix_; }
  bool contains(const Address& address) const;
  bool contains(const Network& other) const;
  std::string text() const;
  bool operator==(const Network&) const = default;

private:
  Address base_{};
  unsigned prefix_ = 0;
};

/// An address with the length of its network's prefix: "10.8.0.1/16".
struct AddressInNetwork {
  Address address{};
  unsigned prefix = 0;
  Network network() const { return {address, prefix}; }
};

/// The prefix is required.
Result<AddressInNetwork> parse_address_in_network(std::string_view text);
/// "10.0.0.0/8", "2001:db8::/32"; a bare address is a network of one. Host bits must be zero.
Result<Network> parse_network(std::string_view text);

} // namespace dstack::route
