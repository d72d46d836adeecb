#include "acme/caa.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::acme {

namespace {

/// RFC 8659 4.2: a value of a parameter; an authority's name is one of those, too.
bool is_value(std::string_view text)
{
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != ';' && c != '"' && c != '\\';
  });
}

bool restricts_issuance(const CaaRecord& record)
{
  const std::string tag = lower(record.tag);
  return tag == "issue" || tag == "issuewild";
}

/// Tags are compared without case (RFC 8659 4.1).
bool same(const CaaRecord& a, const CaaRecord& b)
{
  return a.flags == b.flags && lower(a.tag) == lower(b.tag) && a.value == b.value;
}

bool holds(const std::vector<CaaRecord>& all, const CaaRecord& wanted)
{
  return std::any_of(all.begin(), all.end(),
                     [&](const CaaRecord& one) { return same(one, wanted); });
}

} // namespace

std::string CaaRecord::text() const
{
  return fmt::format("{} {} \"{}\"", flags, tag, value);
}

Result<CaaRecord> parse_caa_record(std::string_view text)
{
  constexpr std::uint64_t max_flags = 255;
  constexpr std::size_t max_tag = 255;
  const std::string_view all = trim(text);
  const auto first = all.find(' ');
  const auto second = first == std::string_view::npos ? first : all.find(' ', first + 1);
  const auto flags = parse_u64(all.substr(0, first));
  if (!flags || *flags > max_flags || second == std::string_view::npos)
    return fail(Errc::malformed, "'{}' is no CAA record: wanted 0 issue \"ca.example\"",
                printable(all));
  CaaRecord out;
  out.flags = static_cast<unsigned>(*flags);
  out.tag = all.substr(first + 1, second - first - 1);
  std::string_view value = trim(all.substr(second));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  if (out.tag.empty() || out.tag.size() > max_tag || value.find('"') != std::string_view::npos)
    return fail(Errc::malformed, "'{}' is no CAA record", printable(all));
  out.value = value;
  return out;
}

Result<std::vector<CaaRecord>> pinned_caa_records(const std::vector<std::string>& authority_names,
                                                  std::string_view account_url,
                                                  const std::vector<std::string>& methods)
{
  if (authority_names.empty())
    return fail(Errc::not_found, "the authority does not say which name CAA records know it by");
  std::string parameters;
  if (!methods.empty()) parameters += ";validationmethods=" + join(methods, ",");
  parameters += fmt::format(";accounturi={}", account_url);
  std::vector<std::string> parts = methods;
  parts.insert(parts.end(), authority_names.begin(), authority_names.end());
  parts.emplace_back(account_url);
  for (const std::string& part : parts)
    if (!is_value(part))
      return fail(Errc::malformed, "\"{}\" cannot stand in a CAA record", printable(part));
  std::vector<CaaRecord> out;
  for (const std::string& name : authority_names)
    for (const char* tag : {"issue", "issuewild"})
      out.push_back({0, tag, name + parameters});
  return out;
}

CaaPlan plan_caa(const std::vector<CaaRecord>& there, const std::vector<CaaRecord>& wanted)
{
  CaaPlan out;
  for (const CaaRecord& one : wanted)
    if (!holds(there, one) && !holds(out.add, one)) out.add.push_back(one);
  for (const CaaRecord& one : there)
    if (restricts_issuance(one) && !holds(wanted, one)) out.remove.push_back(one);
  return out;
}

} // namespace dstack::acme
