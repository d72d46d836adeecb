#include "gatewayclient/registration.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <limits>

namespace dstack::gatewayclient {

using codec::Json;

namespace {

constexpr codec::JsonLimits limits{max_answer, 8, 4096};
constexpr std::size_t max_name = 253; ///< of a host (RFC 1035, 2.3.4)

bool in_name(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_name(std::string_view text)
{
  return !text.empty() && text.size() <= max_name && std::all_of(text.begin(), text.end(), in_name);
}

Result<std::uint16_t> port_of(std::uint64_t number)
{
  if (number > std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::malformed, "port {}", number);
  return static_cast<std::uint16_t>(number);
}

/// One that a machine may have in a network: an address of this kind reaches the kernel as an
/// interface's own and as a route.
Result<route::Address> network_address(std::string_view text)
{
  constexpr std::uint32_t first_multicast = 0xe0000000; // 224.0.0.0, with all reserved ones above
  constexpr std::uint32_t loopback = 127;
  const route::Address out = TRY(route::parse_address(text));
  if (!out.is_v4()) return fail(Errc::malformed, "{} is no IPv4 address", out.text());
  const std::uint32_t value = out.v4_value();
  if (value >> 24U == 0 || value >> 24U == loopback || value >= first_multicast)
    return fail(Errc::malformed, "{} is no address of a machine in a network", out.text());
  return out;
}

/// "192.0.2.1:51820", "[2001:db8::1]:51820", "gateway.example.com:51820".
Status read_endpoint(std::string_view text, Server& out)
{
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::malformed, "no port");
  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    out.host = TRY(route::parse_address(host.substr(1, host.size() - 2))).text();
  else if (is_name(host))
    out.host = host;
  else
    return fail(Errc::malformed, "'{}' is no host", printable(host.substr(0, max_name)));
  out.port = TRY(port_of(TRY(parse_u64(text.substr(colon + 1)).within("port"))));
  if (out.port == 0) return fail(Errc::malformed, "port 0");
  return ok();
}

Result<Server> parse_server(const Json& value)
{
  Server out;
  out.public_key = TRY(route::parse_wg_key(TRY(value.need_string("pk"))).within("pk"));
  const std::string address = TRY(value.need_string("ip"));
  // Gateways tell theirs with the length of the network's prefix behind it.
  out.address =
      TRY(network_address(std::string_view{address}.substr(0, address.find('/'))).within("ip"));
  TRY(read_endpoint(TRY(value.need_string("endpoint")), out).within("endpoint"));
  return out;
}

Result<std::vector<Server>> parse_servers(const Json& wg)
{
  std::vector<Server> out;
  const Json* servers = wg.find("servers");
  if (servers == nullptr || servers->is_null()) return out;
  if (!servers->is_array()) return fail(Errc::malformed, "servers: no array");
  if (servers->items().size() > max_servers)
    return fail(Errc::malformed, "{} servers (at most {})", servers->items().size(), max_servers);
  for (const Json& item : servers->items())
    out.push_back(TRY(parse_server(item).within("servers")));
  std::sort(out.begin(), out.end(),
            [](const Server& a, const Server& b) { return a.public_key < b.public_key; });
  return out;
}

/// Two servers with one key would be one peer, two with one address would take each other's
/// traffic.
Status check_distinct(const Registration& all)
{
  std::vector<route::Address> addresses{all.client};
  for (const Server& server : all.servers)
    addresses.push_back(server.address);
  std::sort(addresses.begin(), addresses.end());
  const auto same = std::adjacent_find(addresses.begin(), addresses.end());
  if (same != addresses.end()) return fail(Errc::malformed, "{} is given twice", same->text());
  for (std::size_t i = 1; i < all.servers.size(); ++i)
    if (all.servers[i - 1].public_key == all.servers[i].public_key)
      return fail(Errc::malformed, "two servers with the key {}",
                  base64(all.servers[i].public_key));
  return ok();
}

Status read_agent(const Json& agent, Registration& out)
{
  out.domain = lower(TRY(agent.get_string("domain", "")));
  if (out.domain.empty()) return ok();
  if (!is_name(out.domain))
    return fail(Errc::malformed, "domain '{}'", printable(out.domain.substr(0, max_name)));
  out.external_port = TRY(port_of(TRY(agent.get_u64("external_port", 0))).within("external_port"));
  return ok();
}

} // namespace

std::string registration_request(const WgKey& public_key, const route::PortPolicy& policy)
{
  return codec::write_json(Json{}
                               .set("client_public_key", base64(public_key))
                               .set("port_policy", route::to_json(policy)));
}

Result<Registration> parse_registration(std::string_view body)
{
  const Json root = TRY(codec::parse_json(body, limits));
  const Json& wg = *TRY(root.need_object("wg"));
  Registration out;
  out.servers = TRY(parse_servers(wg).within("wg"));
  if (!out.servers.empty()) {
    const std::string client = TRY(wg.need_string("client_ip").within("wg"));
    out.client = TRY(network_address(client).within("wg: client_ip"));
    TRY(check_distinct(out).within("wg"));
  }
  if (const Json* agent = root.find("agent"); agent != nullptr && agent->is_object())
    TRY(read_agent(*agent, out).within("agent"));
  return out;
}

} // namespace dstack::gatewayclient
