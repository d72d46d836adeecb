#include "route/app_name.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <limits>

namespace dstack::route {

namespace {

constexpr std::uint16_t https_port = 443;
constexpr std::uint16_t http_port = 80;

bool is_label_id(std::string_view text)
{
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// Leading zeros are read as upstream reads them; port 0 is nobody's.
Result<std::uint16_t> parse_port_label(std::string_view text)
{
  const auto port = parse_u64(text);
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::malformed, "\"{}\" is no port", printable(text));
  return static_cast<std::uint16_t>(*port);
}

} // namespace

std::string_view name_of(Mode mode)
{
  switch (mode) {
  case Mode::terminate:
    return "terminate";
  case Mode::terminate_h2:
    return "terminate-h2";
  case Mode::passthrough:
    return "passthrough";
  }
  bug("no such mode");
}

Result<AppLabel> parse_app_label(std::string_view label)
{
  const auto dash = label.find('-');
  AppLabel out;
  out.id = std::string{label.substr(0, dash)};
  if (!is_label_id(out.id)) return fail(Errc::malformed, "\"{}\" names no app", printable(label));
  std::string_view spec = dash == std::string_view::npos ? "" : label.substr(dash + 1);
  if (spec.ends_with('g')) {
    out.mode = Mode::terminate_h2;
    spec.remove_suffix(1);
  } else if (spec.ends_with('s')) {
    out.mode = Mode::passthrough;
    spec.remove_suffix(1);
  }
  out.port = out.mode == Mode::passthrough ? https_port : http_port;
  if (!spec.empty())
    out.port = TRY(parse_port_label(spec).within("\"{}\" (want ID, ID-PORT, ID-PORTs or ID-PORTg)",
                                                 printable(label)));
  return out;
}

std::optional<NameBelow> name_below(std::string_view host, const std::vector<std::string>& domains)
{
  const auto dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  const std::string_view rest = host.substr(dot + 1);
  if (std::find(domains.begin(), domains.end(), rest) == domains.end()) return std::nullopt;
  return NameBelow{host.substr(0, dot), rest};
}

} // namespace dstack::route
