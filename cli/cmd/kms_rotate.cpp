#include "cli/cmd/add.hpp"
#include "cli/kms/admin.hpp"
#include "cli/kms/opening.hpp"
#include "sys/protect.hpp"
#include "vault/rotation.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string directory;
  OpeningOptions opening;
  std::string crash_at;
};

constexpr std::chrono::milliseconds deadline{60'000};

bool is_given(const OpeningOptions& opening)
{
  return !opening.passphrase_file.empty() || !opening.shares.empty();
}

Result<vault::PublicRoot> rotate_here(const Options& o, const vault::Vault& vault, Context& ctx)
{
  const Time now = ctx.now();
  const vault::OpenRoot before = TRY(open_root(vault, o.opening, now.seconds()));
  const sys::fs::path directory = o.directory;
  const sys::fs::path path = directory / vault::replication_log_name;
  std::error_code error;
  // There is a log once a KMS has served from here.
  if (!sys::fs::exists(path, error)) return TRY(vault.rotate(before, now.seconds())).open;
  const auto held = TRY(sys::FileLock::acquire(directory / "kms.lock", "dstack kms rotate", {}));
  vault::ReplicationFile log{path};
  const Status usable = log.open(before.open.k256, before.material.root.k256, now);
  if (!usable) {
    ctx.ui().warn("the epoch is not written down: " + usable.error().message());
    return TRY(vault.rotate(before, now.seconds())).open;
  }
  const vault::Rotation rotation = vault::add_epoch(vault, before, log, now);
  TRY(rotation.done);
  return rotation.root->open;
}

/// The KMS that runs from there has the root open, and must know the epoch.
Result<vault::PublicRoot> ask_to_rotate(const Options& o, const vault::Vault& vault)
{
  if (is_given(o.opening))
    return fail(Errc::usage,
                "a KMS runs from {}: it adds the epoch itself, give nothing to open "
                "the root with",
                o.directory);
  static_cast<void>(TRY(ask_kms(o.directory, "Rotate", codec::Json::object(), deadline)));
  return vault.read_public();
}

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  const vault::Vault vault{o.directory,
                           o.crash_at.empty() ? vault::FailPoints{} : vault::crash_at(o.crash_at)};
  const bool runs = sys::FileLock::is_held(sys::fs::path{o.directory} / "kms.lock");
  const vault::PublicRoot after =
      runs ? TRY(ask_to_rotate(o, vault)) : TRY(rotate_here(o, vault, ctx));
  const vault::EpochInfo& added = after.epochs.back();
  if (ctx.ui().json()) {
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.kms.rotate/1")
                          .set("cluster", hex(after.cluster))
                          .set("epoch", added.epoch)
                          .set("created_at", format_utc(Time{added.created_at * 1000})));
    return Exit::ok;
  }
  ctx.ui().line(fmt::format("epoch {} added", added.epoch));
  ctx.ui().note(fmt::format("Apps get keys of it when the policy says 'epoch = {}' for them; those "
                            "of earlier epochs stay.",
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
                "A KMS that runs from the directory adds it itself, and needs nothing to open the "
                "root with.\n"
                "Other replicas get the epoch with 'dstack kms sync', before their policies name "
                "it.")
      .example("dstack kms rotate kms --passphrase-file words.txt", "A root with a passphrase")
      .example("dstack kms rotate /srv/kms --share a.json --share b.json",
               "A root that two custodians open")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
