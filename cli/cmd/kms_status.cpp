#include "cli/cmd/add.hpp"
#include "cli/kms/admin.hpp"
#include "cli/kms/opening.hpp"
#include "vault/vault.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::chrono::milliseconds deadline{10'000};

struct Options {
  std::string directory;
};

std::string member(const Json& json, std::string_view key)
{
  const auto text = json.get_string(key, "");
  return text ? printable(*text) : "";
}

/// What the files alone tell.
Result<Json> at_rest(const sys::fs::path& directory)
{
  const vault::Vault vault{directory};
  const vault::PublicRoot root = TRY(vault.read_public());
  const vault::Custody custody = TRY(vault.read_custody());
  Json out;
  out.set("schema", "dstack.kms.status/1").set("running", false);
  out.set("provider", vault::name_of(custody.provider)).set("cluster", hex(root.cluster));
  out.set("key_provider_id", hex(root.ca_spki)).set("k256_pubkey", hex(root.k256));
  return out.set("epoch", root.current_epoch());
}

std::string state_of(const Json& status)
{
  const auto running = status.get_bool("running", true);
  if (running && !*running) return "not running";
  const auto sealed = status.get_bool("sealed", true);
  if (sealed && !*sealed) return "serving";
  const Json* unseal = status.find("unseal");
  if (unseal == nullptr) return "sealed, waits for its passphrase";
  const auto have = unseal->get_u64("have", 0);
  const auto need = unseal->get_u64("threshold", 0);
  return fmt::format("sealed, {} of {} shares are in", have ? *have : 0, need ? *need : 0);
}

void report(const Json& status, Context& ctx)
{
  const auto row = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) ctx.ui().line(fmt::format("{:<18}{}", name, value));
  };
  row("state", state_of(status));
  row("opened by", member(status, "provider"));
  row("key provider id", member(status, "key_provider_id"));
  row("k256 public key", member(status, "k256_pubkey"));
  row("cluster", member(status, "cluster"));
  const auto epoch = status.get_u64("epoch", 0);
  row("epoch", epoch ? fmt::format("{}", *epoch) : "");
  if (const Json* self = status.find("self"); self != nullptr && self->is_object()) {
    row("mr_aggregated", member(*self, "mrAggregated"));
    row("device", member(*self, "deviceId"));
    row("OS image", member(*self, "osImageHash"));
    const auto simulated = self->get_bool("simulated", false);
    if (simulated && *simulated) row("attested by", "a simulated TEE: no hardware vouches for it");
    row("not attested", member(*self, "problem"));
  }
  if (const Json* policy = status.find("policy"); policy != nullptr) {
    row("policy", fmt::format("{} ({})", member(*policy, "file"), member(*policy, "sha256")));
    row("policy problem", member(*policy, "problem"));
  }
  if (const Json* audit = status.find("audit"); audit != nullptr) {
    const auto lines = audit->get_u64("lines", 0);
    row("audit log", fmt::format("{} lines, head {}", lines ? *lines : 0, member(*audit, "hash")));
  }
}

Result<Exit> run(const Options& o, Context& ctx)
{
  auto status = ask_kms(o.directory, "Status", Json::object(), deadline);
  if (!status && status.error().code() == Errc::not_found) status = at_rest(o.directory);
  if (!status) return status.error();
  if (ctx.ui().json())
    ctx.ui().document(*status);
  else
    report(*status, ctx);
  return Exit::ok;
}

} // namespace

void add_kms_status(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms status", "Show how a KMS of this machine is");
  leaf.argument("DIR", o->directory, "Its directory").required();
  leaf.json("dstack.kms.status/1")
      .describe("Asks the KMS that runs from the directory over its admin socket; of one that does "
                "not run, it shows what the files tell. mr_aggregated and device are what another "
                "KMS' policy must allow before it takes over this one's root.")
      .example("dstack kms status kms", "Is it open, and who is it")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
