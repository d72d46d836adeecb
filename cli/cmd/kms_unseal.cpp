#include "cli/cmd/add.hpp"
#include "cli/kms/admin.hpp"
#include "cli/kms/custodian.hpp"
#include "cli/kms/opening.hpp"
#include "sys/protect.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::chrono::milliseconds unlock_deadline{60'000};

struct Options {
  std::string where;
  std::string share;
  ShareKeyFiles share_keys;
  std::string passphrase_file;
  CustodianTrust trust;
};

bool is_url(std::string_view where)
{
  return where.find("://") != std::string_view::npos;
}

Result<Exit> unlock(const Options& o, Context& ctx)
{
  if (o.passphrase_file.empty())
    return fail(Errc::usage, "a KMS of this machine is opened by --passphrase-file; shares go to "
                             "its URL");
  const SecretBytes words = TRY(passphrase_from(o.passphrase_file));
  static_cast<void>(TRY(
      ask_kms(o.where, "Unlock", Json{}.set("passphrase", hex(words.view())), unlock_deadline)));
  if (ctx.ui().json())
    ctx.ui().document(Json{}.set("schema", "dstack.kms.unseal/1").set("open", true));
  ctx.ui().line("the root is open");
  return Exit::ok;
}

Result<Exit> send(const Options& o, Context& ctx)
{
  if (o.share.empty()) return fail(Errc::usage, "--share is missing: which share is to be sent");
  const auto shares = TRY(open_shares({o.share}, o.share_keys));
  SealedKms kms = TRY(meet_sealed(o.where, o.trust, ctx));
  if (kms.who.simulated)
    ctx.ui().warn("the KMS is attested by a simulated TEE: whoever runs it can read the share");
  const SentShare sent = TRY(send_share(kms, shares.front()).within("{}", o.share));
  if (ctx.ui().json())
    ctx.ui().document(Json{}
                          .set("schema", "dstack.kms.unseal/1")
                          .set("custodian", sent.custodian)
                          .set("progress", sent.progress)
                          .set("open", sent.open));
  ctx.ui().line(fmt::format("{}'s share is in: {}", sent.custodian, sent.progress));
  return Exit::ok;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  return is_url(o.where) ? send(o, ctx) : unlock(o, ctx);
}

} // namespace

void add_kms_unseal(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf =
      tree.leaf("kms unseal", "Send a share to a sealed KMS, or open one by its passphrase");
  leaf.argument("WHERE", o->where, "URL of the KMS, or the directory of one of this machine")
      .required();
  leaf.file("--share", o->share, "The share that 'dstack kms init' wrote for you");
  add_share_key_options(leaf, o->share_keys);
  add_custodian_trust(leaf, o->trust);
  leaf.file("--passphrase-file", o->passphrase_file,
            "Of a KMS of this machine that was locked; - is stdin");
  leaf.json("dstack.kms.unseal/1")
      .describe("Where --policy and --mr are given, both must hold.")
      .describe(
          "A KMS whose root is divided among custodians starts sealed. It shows an attestation of "
          "a key that it made for this start; the share is encrypted to that key after the "
          "attestation was verified, so that nobody else can read it on the way, and no later "
          "start of the KMS either. With enough shares the root is open; a share that does not fit "
          "is refused with its custodian's name.\n"
          "Look at what you trust: whoever runs what you send a share to, and has the others, has "
          "every key of every app.")
      .example("dstack kms unseal --share 4f3cf0a19a044467-bob.json --policy policy.toml "
               "https://kms.example.com:8000",
               "Send one's share to a KMS that the policy allows")
      .example("dstack kms unseal kms --passphrase-file words.txt", "Open what was locked")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
