#include "route/custom_domain.hpp"

#include "base/text.hpp"
#include "route/host_name.hpp"

#include <algorithm>
#include <limits>

namespace dstack::route {

namespace {

/// App and instance ids are 40 hex digits; longer ones may come.
constexpr std::size_t max_id = 128;

std::optional<std::string> question(std::string_view prefix, std::string_view host)
{
  std::string name = fmt::format("{}.{}", prefix, host);
  if (kind_of(name) != NameKind::dns) return std::nullopt;
  return name;
}

bool is_target_id(std::string_view text)
{
  return !text.empty() && text.size() <= max_id &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

Result<CustomTarget> read(const TxtAnswer& answer, std::string_view which)
{
  return parse_app_address(answer.first_string).within("{} TXT record", which);
}

} // namespace

TxtQuestions txt_questions(std::string_view host, std::string_view prefix, LegacyRecords legacy)
{
  TxtQuestions out;
  out.exact = question(prefix, host);
  if (legacy == LegacyRecords::asked && prefix != legacy_txt_prefix)
    out.legacy = question(legacy_txt_prefix, host);
  const auto dot = host.find('.');
  if (dot != std::string_view::npos)
    out.wildcard = question(fmt::format("{}-wildcard", prefix), host.substr(dot + 1));
  return out;
}

Result<CustomTarget> parse_app_address(std::string_view text)
{
  constexpr std::size_t shown = 64;
  const std::string quoted = printable(text.substr(0, shown));
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return fail(Errc::malformed, "\"{}\" (want APP-ID:PORT)", quoted);
  CustomTarget out;
  out.id = lower(text.substr(0, colon));
  if (!is_target_id(out.id))
    return fail(Errc::malformed, "\"{}\" does not begin with an id", quoted);
  const auto port = parse_u64(text.substr(colon + 1));
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::malformed, "\"{}\" does not end in a port", quoted);
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

Result<std::optional<CustomTarget>> judge_exact(const TxtAnswer& exact, const TxtAnswer& legacy)
{
  if (exact.kind == TxtAnswer::Kind::found)
    return std::optional<CustomTarget>{TRY(read(exact, "exact"))};
  if (legacy.kind == TxtAnswer::Kind::found)
    return std::optional<CustomTarget>{TRY(read(legacy, "legacy"))};
  return std::optional<CustomTarget>{};
}

Result<CustomTarget>
judge_wildcard(std::string_view host, const TxtAnswer& exact, const TxtAnswer& wildcard)
{
  if (wildcard.kind == TxtAnswer::Kind::found) return read(wildcard, "wildcard");
  if (wildcard.kind == TxtAnswer::Kind::failed || exact.kind == TxtAnswer::Kind::failed)
    return fail(Errc::io, "the TXT records of {} could not be asked for", host);
  return fail(Errc::not_found, "{} is no domain of ours and has no TXT record naming an app", host);
}

} // namespace dstack::route
