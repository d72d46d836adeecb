#include "cli/cmd/add.hpp"
#include "cli/deploy/create.hpp"

namespace dstack::cli {

namespace {

struct Options {
  AppOptions app;
  SettingOptions settings;
  std::string output;
  bool with_images = false;
  bool dry_run = false;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const config::Config config = TRY(load_config(ctx, o.settings));
  Stages stages{ctx.ui(), Stages::Lines::slow_ones};
  App app = TRY(prepare_app(ctx, o.app, registry_options(config), "", stages));
  if (o.with_images && app.images.empty() && !app.project.images().empty())
    return fail(Errc::usage, "--with-images needs a compose file whose images are pinned");
  if (!o.with_images) app.images.clear();
  if (!o.dry_run) {
    stages.begin(o.with_images ? "fetch and pack the images" : "pack");
    TRY(write_app_bundle(app, o.output).within("{}", o.output));
  }
  stages.end();
  if (ctx.ui().json())
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.app.pack/1")
                          .set("file", o.output)
                          .set("app_id", app.app_id)
                          .set("compose_hash", app.compose_hash)
                          .set("images", static_cast<std::uint64_t>(app.images.size())));
  else
    ctx.ui().line(fmt::format("{}  {}", app.compose_hash, o.output));
  return Exit::ok;
}

} // namespace

void add_app_pack(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("app pack", "Pack an app, and its images if wanted, into one file");
  add_app_options(leaf, o->app, "COMPOSE");
  leaf.file("-o,--output", o->output, "The bundle to write").required();
  leaf.flag("--with-images", o->with_images, "Put the images in: deploying then needs no registry");
  leaf.flag("-n,--dry-run", o->dry_run, "Check everything, write nothing");
  o->settings.add(leaf, "--registry-mirror", "registry.mirror").group("Registry");
  o->settings.add(leaf, "--insecure-registry", "registry.insecure").group("Registry");
  leaf.json("dstack.app.pack/1")
      .describe("The same app gives the same bytes. The bundle holds app-compose.json, a short "
                "description, and with --with-images an OCI image layout.")
      .example("dstack app pack compose.yaml -o hello.bundle", "Compose file and digests only")
      .example("dstack app pack compose.yaml --with-images -o hello.bundle", "With the images")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
