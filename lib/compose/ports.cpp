#include "base/address.hpp"
#include "compose/source.hpp"

namespace dstack::compose {

using codec::Yaml;

namespace {

constexpr std::size_t max_ports = 1024;

struct Range {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  unsigned size() const { return static_cast<unsigned>(last - first) + 1U; }
};

Result<std::uint16_t> port_number(std::string_view text)
{
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > 65535)
    return fail(Errc::malformed, "'{}' is no port (want 1 to 65535)", printable(text));
  return static_cast<std::uint16_t>(*number);
}

Result<Range> port_range(std::string_view text)
{
  const std::size_t dash = text.find('-');
  Range out;
  out.first = TRY(port_number(text.substr(0, dash)));
  out.last = dash == std::string_view::npos ? out.first : TRY(port_number(text.substr(dash + 1)));
  if (out.last < out.first)
    return fail(Errc::malformed, "the range {} runs backwards", printable(text));
  return out;
}

Status check_protocol(std::string_view protocol)
{
  if (protocol == "tcp" || protocol == "udp") return ok();
  return fail(Errc::unsupported, "protocol '{}' (want tcp or udp)", printable(protocol));
}

Status check_address(const std::string& address)
{
  if (address.empty() || is_ip_address(address)) return ok();
  return fail(Errc::malformed, "'{}' is no IP address", printable(address));
}

/// The parts of "[ip:][published]:target"; an IPv6 address stands in brackets.
struct Parts {
  std::string address;
  std::string published;
  std::string target;
};

Result<Parts> split_short(std::string_view text)
{
  Parts out;
  const std::string_view whole = text;
  if (text.starts_with('[')) {
    const std::size_t close = text.find("]:");
    if (close == std::string_view::npos)
      return fail(Errc::malformed, "'{}' is no port", printable(whole));
    out.address = text.substr(1, close - 1);
    text.remove_prefix(close + 2);
  }
  const auto parts = split(text, ':');
  const std::size_t most = out.address.empty() ? 3 : 2;
  if (parts.size() > most || (most == 2 && parts.size() != 2))
    return fail(Errc::malformed, "'{}' is no port (want [[ip:]published:]target[/protocol])",
                printable(whole));
  out.target = parts.back();
  if (parts.size() > 1) out.published = parts[parts.size() - 2];
  if (parts.size() > 2) out.address = parts[0];
  return out;
}

/// One mapping per target port; a single target keeps the whole range compose may choose from.
Result<std::vector<PortMapping>>
expand(PortMapping base, const std::string& published, const std::string& target)
{
  const Range to = TRY(port_range(target));
  std::optional<Range> from;
  if (!published.empty() && published != "0") from = TRY(port_range(published));
  if (from && from->size() != to.size() && to.size() != 1)
    return fail(Errc::malformed, "ranges {} and {} differ in length", printable(published), target);
  std::vector<PortMapping> out;
  for (unsigned i = 0; i < to.size(); ++i) {
    base.target = static_cast<std::uint16_t>(to.first + i);
    if (from) {
      base.published = static_cast<std::uint16_t>(from->first + i);
      base.published_last = to.size() == 1 ? from->last : base.published;
    }
    out.push_back(base);
    if (out.size() > max_ports) return fail(Errc::malformed, "more than {} ports", max_ports);
  }
  return out;
}

Result<std::vector<PortMapping>> short_form(const std::string& text, PortMapping base)
{
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) base.protocol = lower(text.substr(slash + 1));
  TRY(check_protocol(base.protocol));
  const Parts parts = TRY(split_short(std::string_view{text}.substr(0, slash)));
  TRY(check_address(parts.address));
  base.host_ip = parts.address;
  return expand(std::move(base), parts.published, parts.target);
}

Result<std::vector<PortMapping>> long_form(const Source& source, const Yaml& node, PortMapping base)
{
  TRY(source.only_keys(
      node, "ports",
      {"mode", "host_ip", "target", "published", "protocol", "name", "app_protocol"}));
  const auto member = [&](std::string_view key) -> Result<std::string> {
    const Yaml* value = node.find(key);
    if (value == nullptr) return std::string{};
    return source.text(*value, key);
  };
  const std::string target = TRY(member("target"));
  if (target.empty()) return source.at(node.at, "ports: target is missing");
  const std::string protocol = lower(TRY(member("protocol")));
  if (!protocol.empty()) base.protocol = protocol;
  base.host_ip = TRY(member("host_ip"));
  const std::string published = TRY(member("published"));
  const auto build = [&]() -> Result<std::vector<PortMapping>> {
    TRY(check_protocol(base.protocol));
    TRY(check_address(base.host_ip));
    TRY(port_number(target));
    return expand(base, published, target);
  };
  auto out = build();
  if (!out) return source.at(node.at, "ports: {}", out.error().message());
  return out;
}

} // namespace

Result<std::vector<PortMapping>> read_ports(const Source& source, const Yaml& node)
{
  if (!node.is_list()) return source.at(node.at, "ports: a list is wanted");
  std::vector<PortMapping> out;
  for (const Yaml& item : node.items) {
    PortMapping base;
    base.at = item.at;
    std::vector<PortMapping> more;
    if (item.is_map()) {
      more = TRY(long_form(source, item, base));
    } else {
      auto expanded = short_form(TRY(source.text(item, "ports")), base);
      if (!expanded) return source.at(item.at, "ports: {}", expanded.error().message());
      more = *std::move(expanded);
    }
    out.insert(out.end(), more.begin(), more.end());
    if (out.size() > max_ports) return source.at(item.at, "ports: more than {}", max_ports);
  }
  return out;
}

} // namespace dstack::compose
