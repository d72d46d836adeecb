#include "compose/requirements.hpp"

#include "base/text.hpp"
#include "compose/fields.hpp"

#include <algorithm>

namespace dstack::compose {

using codec::Json;

namespace {

constexpr std::string_view known_platforms[] = {
    "dstack-tdx",           "dstack-gcp-tdx",       "dstack-amd-sev-snp",
    "dstack-nitro-enclave", "dstack-aws-nitro-tpm",
};

Status only_keys(const Json& object, const std::vector<std::string>& known)
{
  if (!object.is_object()) return fail(Errc::malformed, "not an object");
  for (const auto& [key, value] : object.members()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto meant = nearest(key, known);
    return fail(Errc::malformed, "unknown key '{}'{}", printable(key),
                meant ? fmt::format(" (did you mean '{}'?)", *meant) : "");
  }
  return ok();
}

Result<std::string> platform(const Json& value)
{
  std::string name = TRY(value.as_string());
  const auto* end = std::end(known_platforms);
  if (std::find(std::begin(known_platforms), end, name) == end)
    return fail(Errc::malformed, "unknown platform '{}'", printable(name));
  return name;
}

Result<Json> gpu_policy(const Json& value)
{
  TRY(only_keys(value,
                {"attest_gpu", "rego", "allow_devtools", "allow_debug", "allow_insecure_boot"}));
  for (const char* key : {"attest_gpu", "allow_devtools", "allow_debug", "allow_insecure_boot"})
    TRY(flag_field(value, key, false));
  TRY(text_field(value, "rego", WhenNull::as_missing));
  return value;
}

Result<std::string> version_requirement(const Json& value)
{
  std::string text = TRY(value.as_string());
  TRY(check_version_requirement(text));
  return text;
}

bool is_number(std::string_view text)
{
  return parse_u64(text) && (text.size() == 1 || text[0] != '0');
}

bool is_wildcard(std::string_view text)
{
  return text == "*" || text == "x" || text == "X";
}

bool is_label(std::string_view text)
{
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

bool are_labels(std::string_view text)
{
  const auto labels = split(text, '.');
  return std::all_of(labels.begin(), labels.end(), is_label);
}

/// major[.minor[.patch[-pre][+build]]], where minor and patch may be wildcards.
bool is_partial_version(std::string_view text)
{
  const std::size_t plus = text.find('+');
  const bool build = plus != std::string_view::npos;
  if (build && !are_labels(text.substr(plus + 1))) return false;
  text = text.substr(0, plus);
  const std::size_t dash = text.find('-');
  const bool pre = dash != std::string_view::npos;
  if (pre && !are_labels(text.substr(dash + 1))) return false;
  const auto parts = split(text.substr(0, dash), '.');
  if (parts.size() > 3 || ((pre || build) && parts.size() != 3)) return false;
  if (!is_number(parts[0])) return false;
  bool wild = false;
  for (const std::string_view part : std::vector(parts.begin() + 1, parts.end())) {
    if (!is_wildcard(part) && (wild || !is_number(part))) return false;
    wild = wild || is_wildcard(part);
  }
  return !(wild && (pre || build));
}

} // namespace

Status check_version_requirement(std::string_view text)
{
  if (text.size() > 256) return fail(Errc::malformed, "longer than 256 bytes");
  if (is_wildcard(trim(text))) return ok();
  for (const std::string_view part : split(text, ',')) {
    std::string_view comparator = trim(part);
    for (const std::string_view sign : {">=", "<=", ">", "<", "=", "^", "~"})
      if (comparator.starts_with(sign)) {
        comparator = trim(comparator.substr(sign.size()));
        break;
      }
    if (!is_partial_version(comparator))
      return fail(Errc::malformed, "'{}' is no version requirement (want like \">=0.6.0, <0.7.0\")",
                  printable(text));
  }
  return ok();
}

Result<Requirements> parse_requirements(const Json& value)
{
  TRY(only_keys(value, {"os_version", "platforms", "tdx_measure_acpi_tables", "launch_token_hash",
                        "gpu_policy"}));
  Requirements out;
  out.os_version =
      TRY(optional_field(value, "os_version", WhenNull::as_missing, version_requirement));
  out.platforms = TRY(optional_field(value, "platforms", WhenNull::as_missing,
                                     [](const Json& list) { return list_of(list, platform); }));
  out.tdx_measure_acpi_tables =
      TRY(optional_field(value, "tdx_measure_acpi_tables", WhenNull::as_missing,
                         [](const Json& v) { return v.as_bool(); }));
  const auto hash = TRY(text_field(value, "launch_token_hash", WhenNull::as_missing));
  if (hash) out.launch_token_hash = TRY(parse_hex_array<32>(*hash).within("launch_token_hash"));
  out.gpu_policy = TRY(optional_field(value, "gpu_policy", WhenNull::as_missing, gpu_policy));
  return out;
}

} // namespace dstack::compose
