#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "cli/kms/opening.hpp"
#include "sys/protect.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string directory;
  OpeningOptions opening;
  std::string crash_at;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  const std::int64_t now = ctx.now().seconds();
  const vault::Vault vault{o.directory,
                           o.crash_at.empty() ? vault::FailPoints{} : vault::crash_at(o.crash_at)};
  const vault::OpenRoot before = TRY(open_root(vault, o.opening, now));
  const vault::OpenRoot after = TRY(vault.rotate(before, now));
  const vault::EpochInfo& added = after.open.epochs.back();
  if (ctx.ui().json()) {
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.kms.rotate/1")
                          .set("cluster", hex(after.open.cluster))
                          .set("epoch", added.epoch)
                          .set("created_at", format_utc(Time{added.created_at * 1000})));
    return Exit::ok;
  }
  ctx.ui().line(fmt::format("epoch {} added", added.epoch));
  ctx.ui().note(fmt::format("Apps get keys of it when the policy says 'epoch = {}' for them; those "
                            "of earlier epochs stay. "
                            "A KMS that runs takes it in when its root is opened next.",
                            added.epoch));
  return Exit::ok;
}

} // namespace

void add_kms_rotate(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms rotate", "Add an epoch of keys to the root of a KMS");
  leaf.argument("DIR", o->directory, "The KMS' directory").required();
  add_opening_options(leaf, o->opening);
  leaf.option("--crash-at", o->crash_at, "STEP", "End with SIGKILL at a step; list names them")
      .hide();
  leaf.json("dstack.kms.rotate/1")
      .describe("Adds a random secret that the keys of new apps can be made from. Nothing is taken "
                "away: apps keep the epoch their policy entry names, and an epoch stays derivable "
                "until the policy retires it. The certificate authority and the key that signs "
                "stay the root's, so what VMs pin does not change.\n"
                "Replicas get the epoch when they take the root over again, so add it before they "
                "do, or repeat the onboarding.")
      .example("dstack kms rotate kms --passphrase-file words.txt", "A root with a passphrase")
      .example("dstack kms rotate /srv/kms --share a.json --share b.json",
               "A root that two custodians open")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
