#include "route/host_name.hpp"

#include "base/text.hpp"
#include "route/ip.hpp"

#include <algorithm>

namespace dstack::route {

namespace {

bool is_letter(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_label(std::string_view label)
{
  return !label.empty() && label.size() <= max_host_label && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return is_digit(c) || is_letter(c) || c == '-' || c == '_';
         });
}

std::string_view without_final_dot(std::string_view text)
{
  if (text.ends_with('.')) text.remove_suffix(1);
  return text;
}

} // namespace

NameKind kind_of(std::string_view host)
{
  if (parse_address(host)) return NameKind::address;
  host = without_final_dot(host);
  if (host.empty() || host.size() > max_host_name) return NameKind::malformed;
  std::string_view rest = host;
  for (;;) {
    const auto dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!is_label(label)) return NameKind::malformed;
    if (dot == std::string_view::npos)
      return std::all_of(label.begin(), label.end(), is_digit) ? NameKind::address : NameKind::dns;
    rest.remove_prefix(dot + 1);
  }
}

Result<std::string> host_name(std::string_view text)
{
  if (kind_of(text) != NameKind::dns)
    return fail(Errc::malformed, "\"{}\" is no host name",
                printable(text.substr(0, max_host_name + 1)));
  return lower(without_final_dot(text));
}

} // namespace dstack::route
