#include "cli/cmd/add.hpp"
#include "cli/kms/caller.hpp"
#include "cli/kms/policy_file.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string file;
  std::vector<std::string> systems;
  std::vector<std::string> devices;
  CallerOptions caller;
  bool dry_run = false;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  kms::KmsRules rules;
  rules.mr_aggregated.values = o.systems;
  rules.devices.values = o.devices;
  if (!o.caller.attestation.empty() || !o.caller.boot_info.empty()) {
    const kms::BootInfo info = TRY(read_caller(o.caller, kms::Policy{}, ctx));
    rules.mr_aggregated.values.push_back(hex(info.mr_aggregated));
    if (!info.device_id.empty()) rules.devices.values.push_back(hex(info.device_id));
  }
  if (rules.mr_aggregated.values.empty() && rules.devices.values.empty())
    return fail(Errc::usage, "which KMS? give --mr-aggregated, --device, --attestation or "
                             "--boot-info");
  const EditMode mode = o.dry_run ? EditMode::only_say : EditMode::write;
  const auto changes = TRY(edit_kms_policy(
      o.file,
      [&](std::string_view text, std::string_view name) { return kms::add_kms(text, rules, name); },
      mode));
  show_edit(ctx, o.file, changes, mode);
  return Exit::ok;
}

} // namespace

void add_kms_policy_allow_kms(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms policy allow-kms", "Let a system be a KMS: it gets the root keys");
  leaf.file_argument("FILE", o->file, "The policy").required();
  leaf.option("--mr-aggregated", o->systems, "HEX", "What the whole system measures");
  leaf.option("--device", o->devices, "HEX", "Device id of the machine it runs on");
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would change");
  add_caller_options(leaf, o->caller);
  leaf.json(policy_edit_schema)
      .describe("Whoever this names can be given every key there is. A fully booted KMS has "
                "another aggregated MR than one that still boots: take it from its own answer "
                "(Onboard.GetAttestationInfo) or its attestation.")
      .example("dstack kms policy allow-kms policy.toml --attestation other-kms.json",
               "Before another KMS joins this one")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
