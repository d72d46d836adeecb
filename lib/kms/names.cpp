#include "kms/names.hpp"

#include "base/address.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace dstack::kms {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t loopback_net = 127;

/// In at most the product of both lengths: callers choose the pattern.
bool fits(std::string_view pattern, std::string_view label)
{
  std::size_t star = std::string_view::npos;
  std::size_t behind_star = 0;
  std::size_t at = 0;
  std::size_t i = 0;
  while (i < label.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      behind_star = i;
    } else if (at < pattern.size() && pattern[at] == label[i]) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++behind_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

} // namespace

std::optional<std::array<std::uint8_t, 16>> parse_address(const std::string& text)
{
  std::array<std::uint8_t, 16> out{};
  if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), out.begin());
  if (::inet_pton(AF_INET, text.c_str(), out.data() + mapped_prefix.size()) == 1) return out;
  return std::nullopt;
}

bool is_local(std::string_view name)
{
  const std::string text = lower(name);
  const auto address = parse_address(text);
  if (!address) return is_localhost(text);
  if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), address->begin()))
    return (*address)[mapped_prefix.size()] == loopback_net;
  return address == parse_address("::1");
}

bool covers(const std::string& asked, const std::string& own)
{
  const auto address = parse_address(asked);
  if (address && address == parse_address(own)) return true;
  const auto patterns = split(asked, '.');
  const auto labels = split(own, '.');
  return std::equal(patterns.begin(), patterns.end(), labels.begin(), labels.end(), fits);
}

} // namespace dstack::kms
