#include "cli/cmd/add.hpp"
#include "cli/kms/caller.hpp"
#include "cli/kms/policy_file.hpp"
#include "kms/chain.hpp"
#include "kms/webhook.hpp"
#include "report/json.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string file;
  std::string role = "app";
  CallerOptions caller;
};

/// The policy's decision, then the image's registers: what a KMS looks at before it gives keys.
kms::Decision decide_all(const kms::Policy& policy, kms::Role role, const kms::BootInfo& info)
{
  kms::Decision out = kms::decide(policy, role, info);
  if (info.registers.empty()) return out;
  kms::Decision image = kms::judge_image(policy, info);
  out.checks.insert(out.checks.end(), image.checks.begin(), image.checks.end());
  if (out.allowed && !image.allowed) {
    out.allowed = false;
    out.reason = image.reason;
  }
  return out;
}

Json document(const kms::Policy& policy,
              kms::Role role,
              const kms::BootInfo& info,
              const kms::Decision& decision)
{
  Json checks = Json::array();
  for (const verify::Check& check : decision.checks)
    checks.push(report::to_json(check));
  return Json::object()
      .set("schema", "dstack.kms.policy.explain/1")
      .set("policy", policy.name)
      .set("role", name_of(role))
      .set("allowed", decision.allowed)
      .set("reason", decision.reason)
      .set("epoch", std::uint64_t{decision.epoch})
      .set("gateway_app_id", decision.gateway_app_id)
      .set("caller", kms::to_record(info))
      .set("checks", std::move(checks));
}

void print(Context& ctx, kms::Role role, const kms::BootInfo& info, const kms::Decision& decision)
{
  Console& ui = ctx.ui();
  ui.line(decision.allowed
              ? ui.paint_out(Tone::good, "ALLOWED")
              : fmt::format("{}: {}", ui.paint_out(Tone::bad, "REFUSED"), decision.reason));
  if (ctx.globals().quiet) return;
  const auto row = [&](std::string_view name, std::string_view value) {
    ui.line(fmt::format("{:<22} {}", name, value));
  };
  ui.line("");
  row("role", name_of(role));
  for (const auto& [name, value] : caller_facts(info))
    row(name, value);
  if (decision.allowed && role == kms::Role::app)
    row("key epoch", fmt::format("{}", decision.epoch));
  ui.line("");
  const report::TextStyle style = report_style(ctx);
  for (verify::Check check : decision.checks) {
    check.source.clear(); // always the policy
    ui.raw(report::to_text(check, style));
  }
}

/// What else a KMS would look at.
void remarks(Context& ctx, const kms::Policy& policy, const kms::BootInfo& info)
{
  if (info.registers.empty())
    ctx.ui().note("a BootInfo holds no registers: whether the image is what it is called was not "
                  "asked (--attestation does)");
  const std::string other = policy.webhook ? "webhook " + kms::redact_url(policy.webhook->url)
                            : policy.chain ? to_line(*policy.chain)
                                           : "";
  if (!other.empty())
    ctx.ui().note(fmt::format("{} {}; it was not asked", other,
                              policy.lists_decide() ? "must agree" : "decides the rest"));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const kms::Policy policy = TRY(load_kms_policy(o.file));
  const kms::BootInfo info = TRY(read_caller(o.caller, policy, ctx));
  const kms::Role role = o.role == "kms" ? kms::Role::kms : kms::Role::app;
  const kms::Decision decision = decide_all(policy, role, info);
  if (ctx.ui().json())
    ctx.ui().document(document(policy, role, info, decision));
  else
    print(ctx, role, info, decision);
  remarks(ctx, policy, info);
  return decision.allowed ? Exit::ok : Exit::refused;
}

} // namespace

void add_kms_policy_explain(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms policy explain", "Say what a policy answers somebody, rule by rule");
  leaf.file_argument("FILE", o->file, "The policy").required();
  leaf.option("--role", o->role, "ROLE", "As what it asks")
      .choices({"app", "kms"})
      .fallback("app")
      .group("Who asks");
  add_caller_options(leaf, o->caller);
  leaf.json("dstack.kms.policy.explain/1")
      .describe("Every rule is looked at, with what was expected and seen where it says no. "
                "Evidence is verified first, as a KMS does, except that evidence of this machine's "
                "simulated TEE is judged too: the rule about it then says whether it counts.")
      .describe("Exit status: 0 allowed, 3 refused, also for evidence that proves nothing.")
      .example("dstack kms policy explain policy.toml --attestation att.json",
               "Would this VM get its keys?")
      .example("dstack kms policy explain policy.toml --boot-info asked.json --role kms -v",
               "What a KMS once saw, against the rules of today")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
