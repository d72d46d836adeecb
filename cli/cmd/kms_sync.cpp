#include "cli/cmd/add.hpp"
#include "cli/kms/admin.hpp"
#include "kmsclient/url.hpp"
#include "vault/vault.hpp"

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds deadline{90'000};

struct Options {
  std::string url;
  std::string directory;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(TRY(as_usage(kmsclient::parse_url(o.url))));
  const auto answer = TRY(ask_kms(o.directory, "Sync", codec::Json{}.set("url", o.url), deadline));
  const std::uint64_t added = TRY(answer.need_u64("added"));
  const auto newest = TRY(vault::Vault{o.directory}.read_public()).current_epoch();
  if (ctx.ui().json())
    ctx.ui().document(
        codec::Json{}.set("schema", "dstack.kms.sync/1").set("added", added).set("epoch", newest));
  ctx.ui().line(added == 0 ? fmt::format("nothing new: the newest epoch here is {}", newest)
                           : fmt::format("{} added: the newest epoch is {}", added, newest));
  return Exit::ok;
}

} // namespace

void add_kms_sync(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms sync", "Take the epochs that another replica of a KMS has added");
  leaf.argument("URL", o->url, "The other KMS").required();
  leaf.argument("DIR", o->directory, "The directory of the one that runs here").required();
  leaf.json("dstack.kms.sync/1")
      .describe(
          "An epoch of keys ('dstack kms rotate') is added at one replica; each of the others "
          "gets it so. As in a join, each judges the other by the [kms] of its policy first, "
          "and the other one writes down who asked. Only what continues the epochs here is "
          "taken, and only from the same root: when two replicas have each added an epoch of "
          "their own, nothing is.\n"
          "Add epochs at one replica, sync the others, then let policies name them.")
      .example("dstack kms sync https://kms.example.com:8000 /srv/kms", "After a rotation there")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
