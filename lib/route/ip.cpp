#include "route/ip.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <limits>

namespace dstack::route {

namespace {

constexpr std::size_t longest_text = 45; // INET6_ADDRSTRLEN without its NUL
constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// The bits that a prefix keeps of the byte at that index.
std::uint8_t mask_of(unsigned prefix, unsigned index)
{
  const unsigned first = index * 8;
  if (prefix <= first) return 0;
  const unsigned kept = std::min(prefix - first, 8U);
  return static_cast<std::uint8_t>(0xffU << (8 - kept));
}

Result<unsigned> parse_prefix(std::string_view text, const Address& address)
{
  const std::uint64_t prefix = TRY(parse_u64(text).within("prefix"));
  if (prefix > address.bits() || (text.size() > 1 && text.front() == '0'))
    return fail(Errc::malformed, "prefix {} (want 0 to {})", text, address.bits());
  return static_cast<unsigned>(prefix);
}

} // namespace

Address Address::v4(std::uint32_t host_order)
{
  Address out;
  for (unsigned i = 0; i < 4; ++i)
    out.bytes_.at(i) = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return out;
}

Address Address::v4(std::span<const std::uint8_t, 4> bytes)
{
  Address out;
  std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  return out;
}

Address Address::v6(std::span<const std::uint8_t, 16> bytes)
{
  if (std::equal(mapped.begin(), mapped.end(), bytes.begin())) return v4(bytes.last<4>());
  Address out;
  out.v4_ = false;
  std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  return out;
}

std::uint32_t Address::v4_value() const
{
  DSTACK_ASSERT(v4_);
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes())
    value = value << 8U | byte;
  return value;
}

std::string Address::text() const
{
  std::array<char, INET6_ADDRSTRLEN> out{};
  DSTACK_ASSERT(inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), out.data(), out.size()) !=
                nullptr);
  return out.data();
}

Result<Address> parse_address(std::string_view text)
{
  // inet_pton reads up to a NUL, so that one inside must not get there.
  const std::string copy{text.substr(0, longest_text + 1)};
  std::array<std::uint8_t, 16> bytes{};
  if (copy.size() <= longest_text && copy.find('\0') == std::string::npos) {
    if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1)
      return Address::v4(std::span<const std::uint8_t, 16>{bytes}.first<4>());
    if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return Address::v6(bytes);
  }
  return fail(Errc::malformed, "\"{}\" is no IP address", printable(copy));
}

Result<Endpoint> parse_endpoint(std::string_view text)
{
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::malformed, "no port");
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  Endpoint out;
  out.address = TRY(parse_address(host));
  if (bracketed != (host.find(':') != std::string_view::npos))
    return fail(Errc::malformed, "brackets stand around an IPv6 address, and around no other");
  const std::uint64_t port = TRY(parse_u64(text.substr(colon + 1)).within("port"));
  if (port > std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::malformed, "port {} (at most 65535)", port);
  out.port = static_cast<std::uint16_t>(port);
  return out;
}

std::string Endpoint::text() const
{
  return address.is_v4() ? fmt::format("{}:{}", address.text(), port)
                         : fmt::format("[{}]:{}", address.text(), port);
}

Network::Network(const Address& address, unsigned prefix) : prefix_(prefix)
{
  DSTACK_ASSERT(prefix <= address.bits());
  std::array<std::uint8_t, 16> bytes{};
  const ByteView from = address.bytes();
  for (unsigned i = 0; i < from.size(); ++i)
    bytes.at(i) = static_cast<std::uint8_t>(from[i] & mask_of(prefix, i));
  base_ = address.is_v4() ? Address::v4(std::span<const std::uint8_t, 16>{bytes}.first<4>())
                          : Address::v6(bytes);
  // "::/0" and its like must stay IPv6; only a mapped address with 96 bits and more is IPv4.
  DSTACK_ASSERT(base_.is_v4() == address.is_v4());
}

bool Network::contains(const Address& address) const
{
  if (address.is_v4() != base_.is_v4()) return false;
  const ByteView bytes = address.bytes();
  const ByteView wanted = base_.bytes();
  for (unsigned i = 0; i < bytes.size(); ++i)
    if ((bytes[i] & mask_of(prefix_, i)) != wanted[i]) return false;
  return true;
}

bool Network::contains(const Network& other) const
{
  return other.prefix_ >= prefix_ && contains(other.base_);
}

std::string Network::text() const
{
  return fmt::format("{}/{}", base_.text(), prefix_);
}

Result<AddressInNetwork> parse_address_in_network(std::string_view text)
{
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return fail(Errc::malformed, "\"{}\" has no prefix (want ADDRESS/PREFIX)", printable(text));
  const Address address = TRY(parse_address(text.substr(0, slash)));
  const unsigned prefix = TRY(parse_prefix(text.substr(slash + 1), address));
  return AddressInNetwork{address, prefix};
}

Result<Network> parse_network(std::string_view text)
{
  if (text.find('/') == std::string_view::npos) {
    const Address address = TRY(parse_address(text));
    return Network{address, address.bits()};
  }
  const AddressInNetwork given = TRY(parse_address_in_network(text));
  const Network network = given.network();
  if (network.base() != given.address)
    return fail(Errc::malformed, "{}/{} has host bits set (the network is {})",
                given.address.text(), given.prefix, network.text());
  return network;
}

} // namespace dstack::route
