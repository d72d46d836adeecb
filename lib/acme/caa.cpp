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
