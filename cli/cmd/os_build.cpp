#include "cli/cmd/add.hpp"
#include "cli/image_build.hpp"
#include "cli/images.hpp"

namespace dstack::cli {

namespace {

struct Options {
  ImageBuildOptions build;
  std::string name;
  std::string output;
  bool force = false;
};

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
  const sys::fs::path images = o.output.empty() ? ctx.images_dir() : sys::fs::path{o.output};
  osbuild::Options options = TRY(image_build_options(o.build, ctx, images));
  options.name = o.name;
  options.existing = o.force ? osbuild::Existing::replace : osbuild::Existing::refuse;
  TRY(sys::make_directories(options.images, sys::Privacy::shared));
  const auto lock = sys::FileLock::acquire(options.images / ".build.lock", "os build",
                                           std::chrono::milliseconds{500});
  if (!lock) {
    ctx.ui().error(lock.error());
    return Exit::conflict;
  }
  Stages stages{ctx.ui()};
  ShownBuild progress{stages};
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
  leaf.directory("-o,--output", o->output, "Where images are kept");
  add_image_build_options(leaf, o->build);
  leaf.json("dstack.os.build/1")
      .describe(
          "The recipe names every package with its version and hash, so the same recipe and the "
          "same dstack give the same bytes on any machine. Needs neither root nor Docker. "
          "Downloaded packages are kept in the cache.\n\n"
          "The image comes with measurement.tdx.cbor: what of it decides a TDX VM's registers. "
          "With --sev-firmware it also boots on AMD SEV-SNP and has measurement.snp.cbor; Debian "
          "13 has no such firmware (its testing suite has: package ovmf-amdsev).")
      .example("dstack os build", "Build into the image store")
      .example("dstack os build --name trial -f", "Under another name, again and again")
      .example("dstack os build -o ./images --json", "Elsewhere")
      .example("dstack os build --sev-firmware OVMF.amdsev.fd", "For AMD SEV-SNP too")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
