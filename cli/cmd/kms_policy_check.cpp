#include "cli/cmd/add.hpp"
#include "cli/kms/policy_file.hpp"
#include "codec/json_list.hpp"
#include "kms/chain.hpp"
#include "kms/webhook.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string file;
  bool strict = false;
};

std::string listed(const std::vector<std::string>& words)
{
  return words.empty() ? "none" : printable(join(words, ", "));
}

std::string counted(const kms::Allowed& allowed, std::string_view what)
{
  return allowed.any ? fmt::format("any {}", what)
                     : fmt::format("{} {}s", allowed.values.size(), what);
}

Json allowed_json(const kms::Allowed& allowed)
{
  if (allowed.any) return "any";
  return codec::list_of(allowed.values);
}

Json images_json(const kms::Policy& policy)
{
  Json out = Json::array();
  for (const kms::ImageRule& image : policy.images) {
    Json registers = Json::object();
    for (const auto& [name, values] : image.registers)
      registers.set(name, codec::list_of(values));
    out.push(Json::object()
                 .set("name", image.name)
                 .set("hash", image.hash)
                 .set("registers", std::move(registers)));
  }
  return out;
}

Json apps_json(const kms::Policy& policy)
{
  Json out = Json::array();
  for (const kms::AppRule& app : policy.apps)
    out.push(Json::object()
                 .set("id", app.id)
                 .set("name", app.name)
                 .set("compose", codec::list_of(app.compose))
                 .set("devices", allowed_json(app.devices))
                 .set("epoch", std::uint64_t{app.epoch}));
  return out;
}

Json document(const kms::Policy& policy, const std::vector<kms::Warning>& warnings)
{
  Json said = Json::array();
  for (const kms::Warning& one : warnings)
    said.push(Json::object().set("line", std::uint64_t{one.line}).set("text", one.text));
  const kms::EvidenceRules& evidence = policy.evidence;
  Json webhook;
  if (policy.webhook) webhook = kms::redact_url(policy.webhook->url);
  Json chain;
  if (policy.chain)
    chain = Json::object()
                .set("rpc", kms::scheme_and_host(policy.chain->rpc))
                .set("contract", policy.chain->contract)
                .set("chain_id", policy.chain->chain_id)
                .set("confirmations", policy.chain->confirmations);
  return Json::object()
      .set("schema", "dstack.kms.policy.check/1")
      .set("file", policy.name)
      .set("rules", name_of(policy.rules))
      .set("webhook", std::move(webhook))
      .set("chain", std::move(chain))
      .set("gateway_app_id", policy.gateway_app_id)
      .set("evidence", Json::object()
                           .set("simulated", evidence.simulated)
                           .set("tee", codec::list_of(evidence.tees))
                           .set("tcb", codec::list_of(evidence.tcb))
                           .set("advisories", codec::list_of(evidence.advisories)))
      .set("kms", Json::object()
                      .set("mr_aggregated", allowed_json(policy.kms.mr_aggregated))
                      .set("devices", allowed_json(policy.kms.devices)))
      .set("images", images_json(policy))
      .set("apps", apps_json(policy))
      .set("warnings", std::move(said));
}

std::string rules_of(const kms::Policy& policy)
{
  std::string out{name_of(policy.rules)};
  if (policy.webhook) out += ", webhook " + kms::redact_url(policy.webhook->url);
  if (policy.chain) out += ", " + to_line(*policy.chain);
  return out;
}

void summary(Context& ctx, const kms::Policy& policy)
{
  const auto row = [&](std::string_view name, std::string_view value) {
    ctx.ui().line(fmt::format("{:<12} {}", name, value));
  };
  const kms::EvidenceRules& e = policy.evidence;
  row("rules", rules_of(policy));
  row("evidence",
      fmt::format("{}{}; TCB {}; advisories {}", listed(e.tees),
                  e.simulated ? ", simulated too" : "", listed(e.tcb), listed(e.advisories)));
  std::size_t hashes = 0;
  for (const kms::AppRule& app : policy.apps)
    hashes += app.compose.size();
  row("images", fmt::format("{}", policy.images.size()));
  row("apps", fmt::format("{}, with {} compose hashes", policy.apps.size(), hashes));
  row("KMS", fmt::format("{} on {}", counted(policy.kms.mr_aggregated, "system"),
                         counted(policy.kms.devices, "device")));
  row("gateway", policy.gateway_app_id.empty() ? "none" : policy.gateway_app_id);
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const kms::Policy policy = TRY(load_kms_policy(o.file));
  const auto warnings = kms::warnings_of(policy);
  if (ctx.ui().json()) {
    ctx.ui().document(document(policy, warnings));
  } else {
    if (!ctx.globals().quiet) summary(ctx, policy);
    for (const kms::Warning& one : warnings) {
      const std::string line = one.line == 0 ? "" : fmt::format(":{}", one.line);
      ctx.ui().line(fmt::format("{}{}: {} {}", o.file, line,
                                ctx.ui().paint_out(Tone::warn, "warning:"), printable(one.text)));
    }
  }
  return o.strict && !warnings.empty() ? Exit::refused : Exit::ok;
}

} // namespace

void add_kms_policy_check(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms policy check", "Read a policy file as a KMS would, and warn");
  leaf.file_argument("FILE", o->file, "The policy").required();
  leaf.flag("--strict", o->strict, "Exit with 3 when there is a warning");
  leaf.json("dstack.kms.policy.check/1")
      .describe("A file that a KMS would refuse is an error with its line. Warnings are about what "
                "is well-formed but wide (\"any\", simulated evidence), or has no effect (an image "
                "that cannot be checked, an empty list, which allows nothing).")
      .describe("'dstack help kms-policy' explains the file.")
      .example("dstack kms policy check policy.toml", "Before a KMS reads it")
      .example("dstack kms policy check policy.toml --strict -q", "In a pipeline")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
