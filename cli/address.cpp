#include "cli/address.hpp"

#include "base/text.hpp"

namespace dstack::cli {

Result<Address> parse_address(std::string_view option, const std::string& text)
{
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos)
    return fail(Errc::usage, "{} {}: want ADDRESS:PORT, for example 127.0.0.1:8080", option, text);
  const auto port = parse_u64(text.substr(colon + 1));
  if (!port || *port > UINT16_MAX)
    return fail(Errc::usage, "{} {}: '{}' is no port", option, text, text.substr(colon + 1));
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Address{host, static_cast<std::uint16_t>(*port)};
}

std::string address_text(const Address& address, std::uint16_t port)
{
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, port) : fmt::format("{}:{}", address.host, port);
}

} // namespace dstack::cli
