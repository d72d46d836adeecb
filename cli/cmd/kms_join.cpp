#include "cli/cmd/add.hpp"
#include "cli/kms/admin.hpp"
#include "cli/kms/opening.hpp"
#include "cli/agent_process.hpp"
#include "cli/kms/stand_in.hpp"
#include "codec/json_list.hpp"
#include "kms/policy.hpp"
#include "kmsclient/url.hpp"
#include "sys/protect.hpp"
#include "vault/vault.hpp"

#include <csignal>

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string url;
  std::string directory;
  std::string policy;
  std::vector<std::string> domains;
  std::string listen;
  std::string agent;
  std::string passphrase_file;
  std::vector<std::string> custodians;
  std::uint64_t threshold = 0;
  std::string shares_to;
  std::string crash_at;
  bool development = false;
};

Status check(const Options& o)
{
  static_cast<void>(TRY(as_usage(kmsclient::parse_url(o.url))));
  if (o.custodians.empty() == o.passphrase_file.empty())
    return fail(Errc::usage, "who can open the root here? Give --passphrase-file FILE, or "
                             "--custodian NAME for each, --threshold T and --shares-to DIRECTORY");
  if (!o.custodians.empty() && (o.threshold == 0 || o.shares_to.empty()))
    return fail(Errc::usage, "custodians need --threshold and --shares-to");
  return ok();
}

Status put(const sys::fs::path& file, std::string_view text)
{
  return sys::write_file_atomic(file, as_bytes(text), sys::Privacy::owner_only);
}

/// The settings to write, or nothing when somebody prepared them.
Result<std::optional<std::string>> settings_of(const Options& o, const sys::fs::path& file)
{
  if (sys::fs::exists(file)) {
    if (o.domains.empty() && o.listen.empty() && !o.development)
      return std::optional<std::string>{};
    return fail(Errc::usage,
                "{} is there already: change it instead of giving --domain, --listen or "
                "--development",
                file.string());
  }
  kms::Settings settings;
  settings.development = o.development;
  settings.self_authorization = !o.development;
  if (!o.domains.empty()) settings.domains = o.domains;
  if (!o.listen.empty())
    settings.listen = TRY(as_usage(kms::parse_listen(o.listen).within("--listen")));
  std::string text = kms::settings_text(settings);
  static_cast<void>(TRY(as_usage(kms::settings_from_toml(text, "settings"))));
  return std::optional<std::string>{std::move(text)};
}

Result<std::string> policy_of(const Options& o)
{
  if (o.policy.empty())
    return fail(Errc::usage,
                "--policy is missing: which systems this KMS takes a root from. The policy of the "
                "other KMS will do, if it allows itself");
  std::string text = TRY(sys::read_text(o.policy, kms::max_policy));
  static_cast<void>(TRY(kms::policy_from_toml(text, o.policy).within("{}", o.policy)));
  return text;
}

/// kms.toml and the policy, unless they are there. What is wrong leaves nothing behind.
Status prepare(const Options& o, const sys::fs::path& directory)
{
  const sys::fs::path file = directory / "kms.toml";
  const auto text = TRY(settings_of(o, file));
  const kms::Settings settings =
      text ? TRY(kms::settings_from_toml(*text, "settings")) : TRY(read_kms_settings(directory));
  const sys::fs::path policy = directory / settings.policy_file;
  std::optional<std::string> rules;
  if (!sys::fs::exists(policy)) rules = TRY(policy_of(o));
  TRY(sys::make_directories(directory, sys::Privacy::owner_only));
  if (text) TRY(put(file, *text));
  if (rules) TRY(put(policy, *rules));
  return ok();
}

Result<AgentLaunch>
launch_of(const Options& o, const sys::fs::path& directory, const KmsAttester& attester)
{
  AgentLaunch out;
  out.program = "dstack-kms";
  out.directory = directory;
  out.arguments = {"--join", o.url};
  if (!o.crash_at.empty()) out.arguments.insert(out.arguments.end(), {"--crash-at", o.crash_at});
  attester.describe(out.settings);
  if (o.passphrase_file == "-")
    out.passphrase = TRY(passphrase_from(o.passphrase_file));
  else if (!o.passphrase_file.empty())
    out.settings.set("passphrase_file", sys::fs::absolute(o.passphrase_file).string());
  if (o.custodians.empty()) return out;
  out.settings.set("custodians", codec::list_of(o.custodians)).set("threshold", o.threshold);
  out.settings.set("shares_directory", sys::fs::absolute(o.shares_to).string());
  return out;
}

/// Runs dstack-kms to its end, while its attester serves from this process.
Status run_join(const Options& o, const sys::fs::path& directory, Context& ctx)
{
  const auto loop = TRY(sys::Loop::create());
  const kms::Settings settings = TRY(read_kms_settings(directory));
  const auto attester = TRY(KmsAttester::find(*loop, ctx, directory, settings, o.agent));
  if (attester->simulated()) ctx.ui().warn(std::string{kms_stand_in_note});
  Status joined = fail(Errc::io, "dstack-kms ended without a word");
  sys::ExitState end;
  const AgentLaunch launch = TRY(launch_of(o, directory, *attester));
  const auto process = TRY(AgentProcess::start(
      *loop, ctx, launch,
      [&](const Result<std::string>& said) { joined = said ? ok() : Status{said.error()}; },
      [&](const sys::ExitState& state) {
        end = state;
        loop->stop();
      }));
  TRY(loop->on_signals({SIGINT, SIGTERM},
                       [&](int signal) { static_cast<void>(process->signal(signal)); }));
  TRY(loop->run());
  if (end.signal != 0) return fail(Errc::io, "dstack-kms {}", end.describe());
  return joined;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  TRY(check(o));
  const sys::fs::path directory = sys::fs::absolute(o.directory);
  const vault::Vault vault{directory};
  if (vault.exists())
    return fail(Errc::denied, "{} has a root already: a KMS joins only once", o.directory);
  TRY(prepare(o, directory));
  TRY(run_join(o, directory, ctx));
  const vault::PublicRoot root = TRY(vault.read_public());
  const vault::Custody custody = TRY(vault.read_custody());
  if (ctx.ui().json())
    ctx.ui().document(Json{}
                          .set("schema", "dstack.kms.join/1")
                          .set("directory", o.directory)
                          .set("cluster", hex(root.cluster))
                          .set("key_provider_id", hex(root.ca_spki))
                          .set("k256_public_key", hex(root.k256))
                          .set("epoch", root.current_epoch()));
  ctx.ui().line(fmt::format("{:<18}{}", "key provider id", hex(root.ca_spki)));
  ctx.ui().line(fmt::format("{:<18}{}", "cluster", hex(root.cluster)));
  ctx.ui().line(fmt::format("{:<18}{}", "opened by", describe(custody)));
  return Exit::ok;
}

} // namespace

void add_kms_join(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms join", "Become a replica of another KMS");
  leaf.argument("URL", o->url, "A KMS that serves, https://…").required();
  leaf.argument("DIR", o->directory, "Where this one lives; made when it is not there").required();
  leaf.file("--policy", o->policy,
            "Policy of this KMS, when DIR has none yet: it must allow the other one");
  leaf.option("--domain", o->domains, "NAME", "A name or address that VMs ask it under").repeats();
  leaf.option("--listen", o->listen, "ADDRESS:PORT", "Where it will serve");
  leaf.flag("--development", o->development, "A development arrangement, which clients are told");
  leaf.option("--agent", o->agent, "ADDRESS",
              "Guest agent that attests this KMS: unix:/path or http://ADDRESS:PORT");
  leaf.file("--passphrase-file", o->passphrase_file,
            "The root is opened by this passphrase here; - is stdin");
  leaf.option("--custodian", o->custodians, "NAME[=KEY]",
              "Or by custodians: one of them, with the key that the share is sealed to")
      .repeats()
      .group("Custodians");
  leaf.number("--threshold", o->threshold, "T", "How many of them are needed").group("Custodians");
  leaf.directory("--shares-to", o->shares_to, "Their shares are put here, one file for each")
      .group("Custodians");
  leaf.option("--crash-at", o->crash_at, "STEP", "End with SIGKILL at a step; list names them")
      .hide();
  leaf.json("dstack.kms.join/1")
      .describe(
          "Both sides prove to each other what they are, and each asks its own policy whether that "
          "may be a KMS: [kms] in policy.toml. The other one is judged before anything is sent, "
          "both connections go to the same key, and the keys that come back must be those of its "
          "certificates. It writes into its replication log who got them.\n"
          "The replica derives the same keys from then on, from the same root; only what opens the "
          "root at rest is its own. An interrupted join leaves no root: run it again.")
      .example("dstack kms join https://kms-1.example.com:8000 /srv/kms --policy policy.toml "
               "--domain kms-2.example.com --passphrase-file words.txt",
               "A second KMS with the keys of the first")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
