#include "base/address.hpp"

#include "base/bytes.hpp"
#include "base/text.hpp"

#include <arpa/inet.h>

namespace dstack {

namespace {

bool reads_as(int family, std::string_view text, in6_addr& out)
{
  // inet_pton reads up to a NUL, so that one inside must not get there.
  return text.find('\0') == std::string_view::npos &&
         ::inet_pton(family, std::string{text}.c_str(), &out) == 1;
}

} // namespace

bool is_ipv4_address(std::string_view text)
{
  in6_addr room{};
  return reads_as(AF_INET, text, room);
}

bool is_ip_address(std::string_view text)
{
  in6_addr room{};
  return is_ipv4_address(text) || reads_as(AF_INET6, text, room);
}

bool is_localhost(std::string_view name)
{
  const std::string text = lower(name);
  return text == "localhost" || text.ends_with(".localhost");
}

std::string network_of(const std::string& address)
{
  constexpr std::size_t prefix = 8;
  in6_addr v6{};
  if (!reads_as(AF_INET6, address, v6)) return address;
  return hex(ByteView{v6.s6_addr}.first(prefix)) + "/64";
}

} // namespace dstack
