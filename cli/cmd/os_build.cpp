#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "cli/settings.hpp"
#include "cli/ui/stages.hpp"

#include <algorithm>
#include <unistd.h>

namespace dstack::cli {

namespace {

struct Options {
  SettingOptions settings;
  std::string name;
  std::string recipe;
  std::string output;
  bool force = false;
  std::uint64_t jobs = 0;
};

class Shown : public osbuild::Progress {
public:
  explicit Shown(Stages& stages) : stages_(stages) {}
  void step(std::string_view what) override { stages_.begin(std::string{what}); }
  void downloaded(std::uint64_t bytes, std::uint64_t of_bytes) override
  {
    stages_.detail(fmt::format("{} of {}", format_size(bytes), format_size(of_bytes)));
    stages_.tick();
  }

private:
  Stages& stages_;
};

Result<osbuild::Options> build_options(const Options& o, const Context& ctx)
{
  osbuild::Options out;
  out.recipe = o.recipe.empty() ? TRY(ctx.shared_data("os")) : sys::fs::path{o.recipe};
  out.guest_program = TRY(ctx.helper("dstack-guest"));
  out.init_program = TRY(ctx.helper("dstack-init"));
  out.images = o.output.empty() ? ctx.images_dir() : sys::fs::path{o.output};
  out.name = o.name;
  out.packages = ctx.dirs().cache / "packages";
  const config::Config config = TRY(load_config(ctx, o.settings));
  out.mirror = config.text("debian.mirror");
  while (!out.mirror.empty() && out.mirror.back() == '/')
    out.mirror.pop_back();
  out.git_revision = DSTACK_COMMIT;
  out.existing = o.force ? osbuild::Existing::replace : osbuild::Existing::refuse;
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  const unsigned cores = online < 1 ? 1U : static_cast<unsigned>(online);
  out.workers = o.jobs == 0 ? cores : static_cast<unsigned>(std::min<std::uint64_t>(o.jobs, 64));
  return out;
}

void report(const osbuild::Built& built, const Stages& stages, Context& ctx)
{
  const osbuild::ImageInfo& image = built.image;
  if (ctx.ui().json()) {
    codec::Json times = codec::Json::array();
    for (const osbuild::StepTime& step : built.times)
      times.push(codec::Json::object().set("name", step.name).set("ms", step.ms));
    codec::Json out = codec::Json::object().set("schema", "dstack.os.build/1");
    const codec::Json facts = image_json(image);
    for (const auto& [key, value] : facts.members())
      out.set(key, value);
    ctx.ui().document(out.set("stages", times).set("total_ms", stages.total_ms()));
    return;
  }
  if (ctx.globals().quiet) return ctx.ui().line(image.directory.filename().string());
  ctx.ui().line(fmt::format("{}  {}", image.directory.filename().string(), image.image_hash));
  ctx.ui().line(fmt::format("{} in {}", format_size(image.size_bytes), image.directory.string()));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const osbuild::Options options = TRY(build_options(o, ctx));
  TRY(sys::make_directories(options.images, sys::Privacy::shared));
  const auto lock = sys::FileLock::acquire(options.images / ".build.lock", "os build",
                                           std::chrono::milliseconds{500});
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  Stages stages{ctx.ui()};
  Shown progress{stages};
  const osbuild::Built built = TRY(osbuild::build(options, progress));
  stages.end();
  report(built, stages, ctx);
  return Exit::ok;
}

} // namespace

void add_os_build(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("os build", "Build the guest OS image from Debian packages");
  leaf.option("--name", o->name, "NAME", "Name of the image").fallback("dstack-VERSION");
  leaf.flag("-f,--force", o->force, "Replace an image of that name");
  leaf.directory("--recipe", o->recipe, "Recipe directory (the os/ of the source tree)");
  leaf.directory("-o,--output", o->output, "Where images are kept");
  leaf.number("-j,--jobs", o->jobs, "N", "Work done at the same time").fallback("number of cores");
  o->settings.add(leaf, "--mirror", "debian.mirror");
  leaf.json("dstack.os.build/1")
      .describe(
          "The recipe names every package with its version and hash, so the same recipe and the "
          "same dstack give the same bytes on any machine. Needs neither root nor Docker. "
          "Downloaded packages are kept in the cache.")
      .example("dstack os build", "Build into the image store")
      .example("dstack os build --name trial -f", "Under another name, again and again")
      .example("dstack os build -o ./images --json", "Elsewhere, for a comparison")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
