#include "cli/cmd/add.hpp"
#include "cli/kms/admin.hpp"

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds deadline{90'000}; // requests under way are waited for

struct Options {
  std::string directory;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(TRY(ask_kms(o.directory, "Lock", codec::Json::object(), deadline)));
  if (ctx.ui().json())
    ctx.ui().document(codec::Json{}.set("schema", "dstack.kms.lock/1").set("sealed", true));
  ctx.ui().line("sealed: the root is out of memory");
  return Exit::ok;
}

} // namespace

void add_kms_lock(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms lock", "Take the root of a running KMS out of memory");
  leaf.argument("DIR", o->directory, "Its directory").required();
  leaf.json("dstack.kms.lock/1")
      .describe("The KMS goes on running, but answers no request for keys until it is unsealed: by "
                "its custodians' shares, or by its passphrase. When this command ends, no request "
                "holds the root any more and the memory it was in is overwritten.")
      .example("dstack kms lock /srv/kms", "Before somebody works on the machine")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
