#include "cli/cmd/add.hpp"
#include "cli/kms/init.hpp"
#include "cli/kms/opening.hpp"
#include "codec/json_list.hpp"
#include "sys/protect.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

/// The exact commands that come next.
std::vector<std::string> next_commands(const KmsInitOptions& o, const InitialisedKms& made)
{
  std::vector<std::string> out;
  if (made.custody.provider == vault::Provider::passphrase) {
    out.push_back(
        fmt::format("dstack kms run {} --passphrase-file {}", o.directory, o.passphrase_file));
    return out;
  }
  kms::ListenAddress at = made.settings.listen;
  if (at.address == "0.0.0.0") at.address = "127.0.0.1";
  if (at.address == "::") at.address = "::1";
  out.push_back(fmt::format("dstack kms run {}", o.directory));
  for (unsigned i = 0; i < made.custody.circle.threshold(); ++i)
    out.push_back(fmt::format(
        "dstack kms unseal --share {} --policy {} https://{}", made.shares[i].string(),
        (sys::fs::path{o.directory} / made.settings.policy_file).string(), kms::to_text(at)));
  return out;
}

Json to_json(const KmsInitOptions& o, const InitialisedKms& made)
{
  Json out;
  out.set("schema", "dstack.kms.init/1").set("directory", o.directory);
  out.set("cluster", hex(made.root.cluster)).set("key_provider_id", hex(made.root.ca_spki));
  out.set("k256_public_key", hex(made.root.k256));
  out.set("development", made.settings.development);
  out.set("provider", vault::name_of(made.custody.provider));
  out.set("threshold", made.custody.circle.threshold());
  Json shares = Json::array();
  for (std::size_t i = 0; i < made.shares.size(); ++i)
    shares.push(Json::object()
                    .set("custodian", made.custody.circle.custodians[i])
                    .set("file", made.shares[i].string()));
  out.set("shares", std::move(shares));
  return out.set("settings_kept", made.settings_kept)
      .set("policy_kept", made.policy_kept)
      .set("next", codec::list_of(next_commands(o, made)));
}

void report_warnings(const InitialisedKms& made, Context& ctx)
{
  if (made.settings.development)
    ctx.ui().warn("a development KMS: its policy takes simulated evidence, so it proves nothing. "
                  "Keep no keys of worth in it");
  if (made.shares.empty()) return;
  const unsigned threshold = made.custody.circle.threshold();
  const std::string where = made.shares[0].parent_path().string();
  if (threshold == 1)
    ctx.ui().warn(fmt::format("a threshold of 1: each file in {} alone opens the root", where));
  else if (made.open_shares >= threshold)
    ctx.ui().warn(fmt::format("any {} of the files in {} open the root", threshold, where));
  ctx.ui().warn("hand each share to its custodian and delete it here");
}

void report(const KmsInitOptions& o, const InitialisedKms& made, Context& ctx)
{
  if (ctx.ui().json()) return ctx.ui().document(to_json(o, made));
  const auto row = [&](std::string_view name, std::string_view value) {
    ctx.ui().line(fmt::format("{:<18}{}", name, value));
  };
  row("key provider id", hex(made.root.ca_spki));
  row("k256 public key", hex(made.root.k256));
  row("cluster", hex(made.root.cluster));
  row("opened by", describe(made.custody));
  for (const sys::fs::path& share : made.shares)
    row("share", share.string());
  const sys::fs::path directory = o.directory;
  row("settings", (directory / "kms.toml").string() + (made.settings_kept ? " (kept)" : ""));
  row("policy", (directory / made.settings.policy_file).string() +
                    (made.policy_kept ? " (kept)" : " (grants nothing yet)"));
  ctx.ui().line("");
  ctx.ui().line("Next:");
  for (const std::string& line : next_commands(o, made))
    ctx.ui().line("  " + line);
}

Result<Exit> run(const KmsInitOptions& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  const InitialisedKms made = TRY(init_kms(o, ctx));
  report(o, made, ctx);
  report_warnings(made, ctx);
  return Exit::ok;
}

} // namespace

void add_kms_init(Tree& tree)
{
  auto o = std::make_shared<KmsInitOptions>();
  Leaf& leaf = tree.leaf("kms init", "Make the root of a key management service");
  leaf.argument("DIR", o->directory, "Where it lives; made when it is not there").required();
  leaf.option("--domain", o->domains, "NAME",
              "A name or address that VMs ask it under (default: localhost, 127.0.0.1, 10.0.2.2)")
      .repeats();
  leaf.option("--listen", o->listen, "ADDRESS:PORT", "Where it serves").fallback("127.0.0.1:8000");
  leaf.flag("--development", o->development,
            "A policy that takes simulated evidence: for trying things out");
  leaf.file("--passphrase-file", o->passphrase_file,
            "The root is opened by this passphrase, 12 characters at least; - is stdin");
  leaf.number("--custodians", o->custodian_count, "N",
              "The root is opened by custodians, N of whom get a share each")
      .group("Custodians");
  leaf.option("--custodian", o->custodians, "NAME[=KEY]",
              "The same, by name, with the key that the share is sealed to")
      .repeats()
      .group("Custodians");
  leaf.number("--threshold", o->threshold, "T", "How many of them are needed").group("Custodians");
  leaf.directory("--shares-to", o->shares_to, "The shares are put here, one file for each")
      .group("Custodians");
  leaf.option("--share-passphrase-file", o->share_passphrase_files, "FILE",
              "Encrypt the shares under passphrases: one for all, or one for each in their order")
      .repeats()
      .group("Custodians");
  leaf.option("--crash-at", o->crash_at, "STEP", "End with SIGKILL at a step; list names them")
      .hide();
  leaf.json("dstack.kms.init/1")
      .describe(
          "Makes the root key of a certificate authority, the key that signs apps' keys, and an "
          "authority for the throw-away certificates of clients. Everything an app ever gets "
          "follows from these, so they are never on disk in the clear: they are encrypted under a "
          "passphrase, or under a secret that is shared among custodians (Feldman's verifiable "
          "secret sharing). Fewer custodians than the threshold learn nothing, and one who gives a "
          "false share is named.\n"
          "The root appears as a whole or not at all. When this command is interrupted, run it "
          "again. A directory that has a root is never given another one.\n"
          "The policy it writes grants nothing. VMs pin the key provider id.")
      .example("dstack kms init kms --passphrase-file words.txt --development",
               "For trying things out on this machine")
      .example(
          "dstack kms init /srv/kms --domain kms.example.com --listen 0.0.0.0:8000 --custodian "
          "alice --custodian bob --custodian carol --threshold 2 --shares-to /media/stick",
          "Any two of three people restore it")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
