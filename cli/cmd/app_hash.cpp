#include "cli/cmd/add.hpp"
#include "cli/deploy/create.hpp"

namespace dstack::cli {

namespace {

struct Options {
  AppOptions app;
  SettingOptions settings;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const config::Config config = TRY(load_config(ctx, o.settings));
  Stages stages{ctx.ui(), Stages::Lines::slow_ones};
  const App app = TRY(prepare_app(ctx, o.app, registry_options(config), "", stages));
  stages.end();
  if (ctx.ui().json())
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.app.hash/1")
                          .set("name", app.parsed.name)
                          .set("app_id", app.app_id)
                          .set("compose_hash", app.compose_hash));
  else if (ctx.globals().quiet)
    ctx.ui().line(app.compose_hash);
  else
    ctx.ui().line(fmt::format("compose hash  {}\napp id        {}", app.compose_hash, app.app_id));
  return Exit::ok;
}

} // namespace

void add_app_hash(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("app hash", "Print the compose hash and app id of an app");
  add_app_options(leaf, o->app, "COMPOSE|BUNDLE");
  o->settings.add(leaf, "--registry-mirror", "registry.mirror").group("Registry");
  o->settings.add(leaf, "--insecure-registry", "registry.insecure").group("Registry");
  leaf.json("dstack.app.hash/1")
      .describe(
          "The hash 'dstack deploy' would measure for the same file: tags are resolved first, "
          "unless --no-pin is given. For an app-compose.json or a bundle no registry is asked.")
      .example("dstack app hash compose.yaml", "What deploy would measure")
      .example("dstack app hash -q app-compose.json", "Only the hash, of given bytes")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
