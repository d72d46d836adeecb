#include "verify/policy.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "codec/toml_fields.hpp"
#include "dcap/tcb_status.hpp"

#include <algorithm>
#include <functional>

namespace dstack::verify {

namespace {

using codec::Toml;

/// Names of the attribute flags (spec verify 11).
constexpr std::array<std::string_view, 6> attribute_names{
    "debug",        "tud-other", "sept-ve-disable-clear", "migratable", "td-attributes-reserved",
    "mr-service-td"};
/// Registers a policy may pin, with their size in bytes.
struct RegisterName {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<RegisterName, 9> register_names{{{"mrtd", 48},
                                                      {"rtmr0", 48},
                                                      {"rtmr1", 48},
                                                      {"rtmr2", 48},
                                                      {"rtmr3", 48},
                                                      {"mrseam", 48},
                                                      {"mrenclave", 32},
                                                      {"mrsigner", 32},
                                                      {"measurement", 48}}};

template <class Known>
Status check_known(const Toml& in, const std::vector<std::string>& words, const Known& known)
{
  for (const std::string& word : words)
    if (!known(word))
      return fail(Errc::config, "line {}: unknown name '{}'", in.line, printable(word));
  return ok();
}

using Reader = std::function<Status(const Toml&, Policy&)>;
struct Key {
  std::string_view section; ///< empty for the top level
  std::string_view name;
  Reader read;
};

Reader list_of(std::vector<std::string> Policy::*member, std::size_t digest_size)
{
  return [=](const Toml& in, Policy& out) -> Status {
    out.*member = TRY(codec::toml_digests(in, "app", digest_size));
    return ok();
  };
}

Status read_statuses(const Toml& in, Policy& out)
{
  out.tcb_statuses = TRY(codec::toml_strings(in, "tcb.accept"));
  return check_known(in, out.tcb_statuses, [](const std::string& word) {
    const auto status = dcap::parse_tcb_status(word);
    return status && *status != dcap::TcbStatus::revoked;
  });
}

Status read_attributes(const Toml& in, Policy& out)
{
  out.accepted_attributes = TRY(codec::toml_strings(in, "attributes.accept"));
  return check_known(in, out.accepted_attributes, [](const std::string& word) {
    return std::find(attribute_names.begin(), attribute_names.end(), word) != attribute_names.end();
  });
}

Status read_providers(const Toml& in, Policy& out)
{
  out.key_providers = TRY(codec::toml_strings(in, "app.key_providers"));
  return check_known(in, out.key_providers, [](const std::string& word) {
    const std::string name = word.substr(0, word.find(':'));
    return name == "kms" || name == "local-sgx" || name == "tpm" || name == "none";
  });
}

const std::vector<Key>& keys()
{
  static const std::vector<Key> all{
      {"", "allow_simulated",
       [](const Toml& in, Policy& out) -> Status {
         out.allow_simulated = TRY(codec::toml_bool(in, "allow_simulated"));
         return ok();
       }},
      {"", "require_revocation",
       [](const Toml& in, Policy& out) -> Status {
         out.require_revocation = TRY(codec::toml_bool(in, "require_revocation"));
         return ok();
       }},
      {"tcb", "accept", read_statuses},
      {"tcb", "grace_days",
       [](const Toml& in, Policy& out) -> Status {
         out.grace_days = TRY(codec::toml_number(in, "tcb.grace_days"));
         return ok();
       }},
      {"tcb", "min_evaluation_number",
       [](const Toml& in, Policy& out) -> Status {
         out.min_evaluation_number = TRY(codec::toml_number(in, "tcb.min_evaluation_number"));
         return ok();
       }},
      {"advisories", "refuse",
       [](const Toml& in, Policy& out) -> Status {
         out.refused_advisories = TRY(codec::toml_strings(in, "advisories.refuse"));
         return ok();
       }},
      {"advisories", "accept",
       [](const Toml& in, Policy& out) -> Status {
         out.accepted_advisories = TRY(codec::toml_strings(in, "advisories.accept"));
         return ok();
       }},
      {"attributes", "accept", read_attributes},
      {"freshness", "max_collateral_age_days",
       [](const Toml& in, Policy& out) -> Status {
         out.max_collateral_age_days =
             TRY(codec::toml_number(in, "freshness.max_collateral_age_days"));
         return ok();
       }},
      {"app", "app_ids", list_of(&Policy::app_ids, 20)},
      {"app", "instance_ids", list_of(&Policy::instance_ids, 20)},
      {"app", "compose_hashes", list_of(&Policy::compose_hashes, 32)},
      {"app", "os_image_hashes", list_of(&Policy::os_image_hashes, 32)},
      {"app", "key_providers", read_providers},
  };
  return all;
}

Status read_register(const std::string& name, const Toml& in, Policy& out)
{
  const auto known = std::find_if(register_names.begin(), register_names.end(),
                                  [&](const RegisterName& r) { return r.name == name; });
  if (known == register_names.end())
    return fail(Errc::config, "line {}: no register '{}'", in.line, printable(name));
  out.registers.emplace_back(name, TRY(codec::toml_digests(in, name, known->size)));
  return ok();
}

Status read_key(std::string_view section, const std::string& name, const Toml& in, Policy& out)
{
  if (section == "registers") return read_register(name, in, out);
  std::vector<std::string> candidates;
  for (const Key& key : keys()) {
    if (key.section != section) continue;
    if (key.name == name) return key.read(in, out);
    candidates.emplace_back(key.name);
  }
  return codec::unknown_toml_key(in, name, candidates);
}

Status read_section(const std::string& section, const Toml& in, Policy& out)
{
  if (in.table() == nullptr) return read_key("", section, in, out);
  const bool known =
      section == "registers" || std::any_of(keys().begin(), keys().end(),
                                            [&](const Key& key) { return key.section == section; });
  if (!known)
    return fail(Errc::config, "line {}: unknown section '{}'", in.line, printable(section));
  for (const auto& [name, value] : *in.table())
    TRY(read_key(section, name, value, out).within("[{}]", section));
  return ok();
}

Result<Policy> read_policy(std::string_view text, std::string_view name)
{
  if (text.size() > max_policy)
    return fail(Errc::malformed, "{} bytes (limit {})", text.size(), max_policy);
  const Toml document = TRY(codec::parse_toml(text));
  Policy out = strict_policy();
  for (const auto& [key, value] : *document.table()) {
    if (key != "base") continue;
    if (value.text() == nullptr || (*value.text() != "strict" && *value.text() != "permissive"))
      return fail(Errc::config, "line {}: 'base' must be \"strict\" or \"permissive\"", value.line);
    if (*value.text() == "permissive") out = permissive_policy();
  }
  out.name = name;
  for (const auto& [key, value] : *document.table())
    if (key != "base") TRY(read_section(key, value, out));
  return out;
}

std::string quoted(const std::vector<std::string>& words)
{
  codec::JsonArray out;
  for (const std::string& word : words)
    out.emplace_back(word);
  return codec::write_json(codec::Json{std::move(out)}); // a JSON list of plain words is TOML too
}

} // namespace

Policy strict_policy()
{
  Policy out;
  out.name = "strict";
  out.tcb_statuses = {"UpToDate", "SWHardeningNeeded"};
  out.require_revocation = true;
  return out;
}

Policy permissive_policy()
{
  Policy out;
  out.name = "permissive";
  out.tcb_statuses = {"UpToDate",
                      "SWHardeningNeeded",
                      "ConfigurationNeeded",
                      "ConfigurationAndSWHardeningNeeded",
                      "OutOfDate",
                      "OutOfDateConfigurationNeeded",
                      "TDRelaunchAdvised",
                      "TDRelaunchAdvisedConfigurationNeeded"};
  for (const std::string_view name : attribute_names)
    if (name != "debug") out.accepted_attributes.emplace_back(name);
  return out;
}

Result<Policy> policy_from_toml(std::string_view text, std::string_view name)
{
  return read_policy(text, name).within("policy {}", name);
}

std::string to_toml(const Policy& p)
{
  std::string out = fmt::format(
      "allow_simulated = {}\nrequire_revocation = {}\n\n[tcb]\naccept = {}\ngrace_days = {}\n"
      "min_evaluation_number = {}\n\n[advisories]\nrefuse = {}\n",
      p.allow_simulated, p.require_revocation, quoted(p.tcb_statuses), p.grace_days,
      p.min_evaluation_number, quoted(p.refused_advisories));
  if (p.accepted_advisories) out += fmt::format("accept = {}\n", quoted(*p.accepted_advisories));
  out += fmt::format("\n[attributes]\naccept = {}\n", quoted(p.accepted_attributes));
  if (p.max_collateral_age_days)
    out += fmt::format("\n[freshness]\nmax_collateral_age_days = {}\n", *p.max_collateral_age_days);
  out += fmt::format("\n[app]\napp_ids = {}\ninstance_ids = {}\ncompose_hashes = {}\n"
                     "os_image_hashes = {}\nkey_providers = {}\n",
                     quoted(p.app_ids), quoted(p.instance_ids), quoted(p.compose_hashes),
                     quoted(p.os_image_hashes), quoted(p.key_providers));
  if (!p.registers.empty()) out += "\n[registers]\n";
  for (const auto& [name, values] : p.registers)
    out += fmt::format("{} = {}\n", name, quoted(values));
  return out;
}

} // namespace dstack::verify
