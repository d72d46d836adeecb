#include "base/text.hpp"
#include "codec/toml_table.hpp"
#include "dcap/tcb_status.hpp"
#include "kms/policy.hpp"
#include "kms/policy_words.hpp"

#include <algorithm>
#include <functional>

namespace dstack::kms {

namespace {

using codec::Toml;
using codec::TomlTable;

constexpr std::size_t register_size = 48;
constexpr std::size_t max_url = 2048;
constexpr std::size_t max_name = 128;
constexpr std::uint64_t max_timeout_ms = 60'000;
constexpr std::string_view any_word = "any";
constexpr std::array<std::string_view, 5> register_names{"mrtd", "rtmr0", "rtmr1", "rtmr2",
                                                         "measurement"};

template <class T> using Key = codec::TomlKey<T>;

Result<std::string> read_name(const Toml& in, std::string_view key)
{
  std::string out = TRY(codec::toml_string(in, key));
  if (out.size() > max_name || printable(out) != out || out.find('\n') != std::string::npos)
    return fail(Errc::config, "line {}: '{}' is not one line of at most {} bytes", in.line, key,
                max_name);
  return out;
}

/// A list of digests, or "any".
Result<Allowed> read_allowed(const Toml& in, std::string_view key)
{
  if (in.text() == nullptr) return Allowed{false, TRY(codec::toml_digests(in, key, hash_size))};
  if (*in.text() == any_word) return Allowed{true, {}};
  return fail(Errc::config, "line {}: '{}' is '{}' (want a list of hashes, or \"any\")", in.line,
              key, printable(*in.text()));
}

Result<std::uint32_t> read_epoch(const Toml& in, std::string_view key)
{
  const std::uint64_t number = TRY(codec::toml_number(in, key));
  if (number > UINT32_MAX)
    return fail(Errc::config, "line {}: '{}' is {} (at most {})", in.line, key, number, UINT32_MAX);
  return static_cast<std::uint32_t>(number);
}

Status check_words(const Toml& in,
                   const std::vector<std::string>& words,
                   const std::function<bool(const std::string&)>& known,
                   std::string_view want)
{
  for (const std::string& word : words)
    if (!known(word))
      return fail(Errc::config, "line {}: '{}' is not {}", in.line, printable(word), want);
  return ok();
}

Status read_tees(const Toml& in, EvidenceRules& out)
{
  out.tees = TRY(codec::toml_strings(in, "evidence.tee"));
  return check_words(
      in, out.tees,
      [](const std::string& word) {
        return word == attest::name_of(attest::Platform::tdx) ||
               word == attest::name_of(attest::Platform::amd_sev_snp);
      },
      "a TEE that can be verified (want dstack-tdx or dstack-amd-sev-snp)");
}

Status read_tcb(const Toml& in, EvidenceRules& out)
{
  out.tcb = TRY(codec::toml_strings(in, "evidence.tcb"));
  return check_words(
      in, out.tcb,
      [](const std::string& word) {
        const auto status = dcap::parse_tcb_status(word);
        return word == star || (status && *status != dcap::TcbStatus::revoked);
      },
      "a TCB status that can be accepted");
}

Result<EvidenceRules> read_evidence(const Toml& in, EvidenceRules defaults)
{
  static const std::vector<Key<EvidenceRules>> keys{
      {"simulated",
       [](const Toml& v, EvidenceRules& out) -> Status {
         out.simulated = TRY(codec::toml_bool(v, "evidence.simulated"));
         return ok();
       }},
      {"tee", read_tees},
      {"tcb", read_tcb},
      {"advisories",
       [](const Toml& v, EvidenceRules& out) -> Status {
         out.advisories = TRY(codec::toml_strings(v, "evidence.advisories"));
         return ok();
       }},
  };
  return read_table(in, keys, "evidence", std::move(defaults));
}

std::vector<Key<ImageRule>> image_keys()
{
  std::vector<Key<ImageRule>> out{
      {"name",
       [](const Toml& v, ImageRule& image) -> Status {
         image.name = TRY(read_name(v, "image.name"));
         return ok();
       }},
      {"hash",
       [](const Toml& v, ImageRule& image) -> Status {
         image.hash = TRY(codec::toml_digest(v, "image.hash", hash_size));
         return ok();
       },
       true},
  };
  for (const std::string_view name : register_names)
    out.push_back({name, [name](const Toml& v, ImageRule& image) -> Status {
                     image.registers.emplace_back(
                         name,
                         TRY(codec::toml_digests(v, fmt::format("image.{}", name), register_size)));
                     return ok();
                   }});
  return out;
}

Result<ImageRule> read_image(const Toml& in)
{
  static const std::vector<Key<ImageRule>> keys = image_keys();
  ImageRule out;
  out.line = in.line;
  return read_table(in, keys, "image", std::move(out));
}

Result<AppRule> read_app(const Toml& in)
{
  static const std::vector<Key<AppRule>> keys{
      {"id",
       [](const Toml& v, AppRule& app) -> Status {
         app.id = TRY(codec::toml_digest(v, "app.id", app_id_size));
         return ok();
       },
       true},
      {"name",
       [](const Toml& v, AppRule& app) -> Status {
         app.name = TRY(read_name(v, "app.name"));
         return ok();
       }},
      {"compose",
       [](const Toml& v, AppRule& app) -> Status {
         app.compose = TRY(codec::toml_digests(v, "app.compose", hash_size));
         return ok();
       },
       true},
      {"devices",
       [](const Toml& v, AppRule& app) -> Status {
         app.devices = TRY(read_allowed(v, "app.devices"));
         return ok();
       }},
      {"epoch",
       [](const Toml& v, AppRule& app) -> Status {
         app.epoch = TRY(read_epoch(v, "app.epoch"));
         return ok();
       }},
  };
  AppRule out;
  out.line = in.line;
  return read_table(in, keys, "app", std::move(out));
}

Result<KmsRules> read_kms(const Toml& in)
{
  static const std::vector<Key<KmsRules>> keys{
      {"mr_aggregated",
       [](const Toml& v, KmsRules& kms) -> Status {
         kms.mr_aggregated = TRY(read_allowed(v, "kms.mr_aggregated"));
         return ok();
       }},
      {"devices",
       [](const Toml& v, KmsRules& kms) -> Status {
         kms.devices = TRY(read_allowed(v, "kms.devices"));
         return ok();
       }},
  };
  return read_table(in, keys, "kms", KmsRules{});
}

Result<std::string> read_url(const Toml& in, std::string_view key)
{
  std::string out = TRY(codec::toml_string(in, key));
  const bool scheme = out.starts_with("http://") || out.starts_with("https://");
  const bool plain =
      std::all_of(out.begin(), out.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  // Not shown: it may hold a password.
  if (!scheme || !plain || out.size() > max_url)
    return fail(Errc::config,
                "line {}: '{}' is no http:// or https:// address of at most {} plain characters",
                in.line, key, max_url);
  return out;
}

Result<std::uint64_t> read_timeout(const Toml& in, std::string_view key)
{
  const std::uint64_t out = TRY(codec::toml_number(in, key));
  if (out == 0 || out > max_timeout_ms)
    return fail(Errc::config, "line {}: '{}' is {} (want 1 to {})", in.line, key, out,
                max_timeout_ms);
  return out;
}

Result<Webhook> read_webhook(const Toml& in)
{
  static const std::vector<Key<Webhook>> keys{
      {"url",
       [](const Toml& v, Webhook& out) -> Status {
         out.url = TRY(read_url(v, "webhook.url"));
         return ok();
       },
       true},
      {"timeout_ms",
       [](const Toml& v, Webhook& out) -> Status {
         out.timeout_ms = TRY(read_timeout(v, "webhook.timeout_ms"));
         return ok();
       }},
  };
  return read_table(in, keys, "webhook", Webhook{});
}

Status read_contract(const Toml& in, Chain& out)
{
  const std::string text = TRY(codec::toml_string(in, "chain.contract"));
  const auto address = parse_hex(text.starts_with("0x") ? text.substr(2) : "");
  if (!address || address->size() != app_id_size)
    return fail(Errc::config, "line {}: 'chain.contract' is '{}' (want 0x and {} hex digits)",
                in.line, printable(text), 2 * app_id_size);
  out.contract = "0x" + hex(*address);
  return ok();
}

Result<Chain> read_chain(const Toml& in)
{
  static const std::vector<Key<Chain>> keys{
      {"rpc",
       [](const Toml& v, Chain& out) -> Status {
         out.rpc = TRY(read_url(v, "chain.rpc"));
         return ok();
       },
       true},
      {"contract", read_contract, true},
      {"chain_id",
       [](const Toml& v, Chain& out) -> Status {
         out.chain_id = TRY(codec::toml_number(v, "chain.chain_id"));
         return ok();
       },
       true},
      {"confirmations",
       [](const Toml& v, Chain& out) -> Status {
         out.confirmations = TRY(codec::toml_number(v, "chain.confirmations"));
         return ok();
       }},
      {"timeout_ms",
       [](const Toml& v, Chain& out) -> Status {
         out.timeout_ms = TRY(read_timeout(v, "chain.timeout_ms"));
         return ok();
       }},
  };
  return read_table(in, keys, "chain", Chain{});
}

Status read_rules(const Toml& in, Policy& out)
{
  const std::string word = TRY(codec::toml_string(in, "rules"));
  for (const Rules rules : {Rules::file, Rules::webhook, Rules::chain, Rules::both}) {
    if (word != name_of(rules)) continue;
    out.rules = rules;
    return ok();
  }
  return fail(Errc::config, "line {}: 'rules' is '{}' (want file, webhook, chain or both)", in.line,
              printable(word));
}

Status read_gateway(const Toml& in, Policy& out)
{
  const std::string text = TRY(codec::toml_string(in, "gateway_app_id"));
  if (text.empty() || text == any_word)
    out.gateway_app_id = text;
  else
    out.gateway_app_id = TRY(codec::toml_digest(in, "gateway_app_id", app_id_size));
  return ok();
}

Status read_retired(const Toml& in, Policy& out)
{
  if (in.array() == nullptr) return codec::toml_mismatch(in, "retired_epochs", "a list of numbers");
  for (const Toml& item : *in.array())
    out.retired_epochs.push_back(TRY(read_epoch(item, "retired_epochs")));
  return ok();
}

Status read_images(const Toml& in, Policy& out)
{
  if (in.array() == nullptr) return codec::toml_mismatch(in, "image", "tables, each [[image]]");
  for (const Toml& item : *in.array()) {
    ImageRule image = TRY(read_image(item).within("[[image]]"));
    if (const ImageRule* other = out.find_image(image.hash))
      return fail(Errc::config, "line {}: the image is already named in line {}", image.line,
                  other->line);
    out.images.push_back(std::move(image));
  }
  return ok();
}

Status read_apps(const Toml& in, Policy& out)
{
  if (in.array() == nullptr) return codec::toml_mismatch(in, "app", "tables, each [[app]]");
  std::vector<std::pair<std::string, unsigned>> seen;
  for (const Toml& item : *in.array()) {
    out.apps.push_back(TRY(read_app(item).within("[[app]]")));
    seen.emplace_back(out.apps.back().id, out.apps.back().line);
  }
  std::sort(seen.begin(), seen.end());
  const auto twice = std::adjacent_find(
      seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice == seen.end()) return ok();
  return fail(Errc::config, "line {}: the app is already named in line {}",
              std::next(twice)->second, twice->second);
}

const std::vector<Key<Policy>>& policy_keys()
{
  static const std::vector<Key<Policy>> keys{
      {"gateway_app_id", read_gateway},
      {"rules", read_rules},
      {"retired_epochs", read_retired},
      {"webhook",
       [](const Toml& v, Policy& out) -> Status {
         out.webhook = TRY(read_webhook(v).within("webhook"));
         return ok();
       }},
      {"chain",
       [](const Toml& v, Policy& out) -> Status {
         out.chain = TRY(read_chain(v).within("chain"));
         return ok();
       }},
      {"kms",
       [](const Toml& v, Policy& out) -> Status {
         out.kms = TRY(read_kms(v).within("[kms]"));
         return ok();
       }},
      {"image", read_images},
      {"app", read_apps},
      // Read last: what is not given depends on whose rules decide.
      {"evidence", [](const Toml&, Policy&) { return ok(); }},
  };
  return keys;
}

const Toml* find(const Toml& document, std::string_view key)
{
  for (const auto& [name, value] : *document.table())
    if (name == key) return &value;
  return nullptr;
}

Status settle_rules(const Toml& document, Policy& out)
{
  if (out.webhook && out.chain)
    return fail(Errc::config, "line {}: there is a webhook already: only one of both can be asked",
                find(document, "chain")->line);
  const Toml* rules = find(document, "rules");
  if (rules == nullptr) {
    if (out.webhook || out.chain) out.rules = Rules::both;
    return ok();
  }
  const std::string_view missing = out.rules == Rules::webhook && !out.webhook ? "webhook"
                                   : out.rules == Rules::chain && !out.chain   ? "chain"
                                   : out.rules == Rules::both && !out.webhook && !out.chain
                                       ? "webhook or chain"
                                       : "";
  if (!missing.empty())
    return fail(Errc::config, "line {}: 'rules' is \"{}\", but there is no {}", rules->line,
                name_of(out.rules), missing);
  if (out.rules == Rules::file && (out.webhook || out.chain))
    return fail(Errc::config, "line {}: 'rules' is \"file\": the {} would never be asked",
                rules->line, out.webhook ? "webhook" : "contract");
  return ok();
}

Result<Policy> read_policy(std::string_view text, std::string_view name)
{
  if (text.size() > max_policy)
    return fail(Errc::malformed, "{} bytes (limit {})", text.size(), max_policy);
  const Toml document = TRY(codec::parse_toml(text));
  Policy out;
  out.name = name;
  out = TRY(read_table(document, policy_keys(), "policy", std::move(out)));
  TRY(settle_rules(document, out));
  if (out.rules == Rules::webhook) { // which judges these itself
    out.evidence.tcb = {std::string{star}};
    out.evidence.advisories = {std::string{star}};
  }
  if (const Toml* evidence = find(document, "evidence"))
    out.evidence = TRY(read_evidence(*evidence, out.evidence).within("[evidence]"));
  return out;
}

} // namespace

std::string_view name_of(Rules rules)
{
  switch (rules) {
  case Rules::file:
    return "file";
  case Rules::webhook:
    return "webhook";
  case Rules::chain:
    return "chain";
  case Rules::both:
    return "both";
  }
  return "";
}

Result<Policy> policy_from_toml(std::string_view text, std::string_view name)
{
  return read_policy(text, name).within("policy {}", name);
}

} // namespace dstack::kms
