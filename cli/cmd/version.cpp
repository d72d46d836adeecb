#include "cli/cmd/add.hpp"
#include "cli/context.hpp"

namespace dstack::cli {

namespace {

Result<Exit> run(Context& ctx)
{
  if (!ctx.ui().json()) {
    ctx.ui().line("dstack " DSTACK_VERSION);
    return Exit::ok;
  }
  codec::Json document = codec::Json::object();
  document.set("schema", "dstack.version/1")
      .set("version", DSTACK_VERSION)
      .set("project", "dstack: Docker Compose apps in confidential VMs")
      .set("commit", DSTACK_COMMIT)
      .set("build_type", DSTACK_BUILD_TYPE)
      .set("compiler", __VERSION__)
      .set("features", codec::Json{codec::JsonArray{"tee-simulated", "tee-tdx"}});
  ctx.ui().document(document);
  return Exit::ok;
}

} // namespace

void add_version(Tree& tree)
{
  tree.leaf("version", "Show the version of dstack")
      .describe("dstack --version prints the same line. The JSON document adds the source commit "
                "and what this build can do; there is no build date in it, so that the same source "
                "gives the same program.")
      .json("dstack.version/1")
      .example("dstack version", "One line")
      .example("dstack version --json", "With commit and features, for bug reports")
      .runs([](Context& ctx) { return run(ctx); });
}

} // namespace dstack::cli
