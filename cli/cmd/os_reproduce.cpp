#include "cli/cmd/add.hpp"
#include "cli/image_build.hpp"
#include "cli/images.hpp"
#include "osbuild/compare.hpp"

namespace dstack::cli {

namespace {

struct Options {
  ImageBuildOptions build;
  std::string image;
  bool keep = false;
};

/// Where the builds are, removed afterwards unless they are to be kept.
class WorkPlace {
public:
  static Result<WorkPlace> make(const Context& ctx)
  {
    TRY(sys::make_directories(ctx.dirs().data, sys::Privacy::shared));
    return WorkPlace{TRY(sys::make_temp_directory(ctx.dirs().data, "reproduce"))};
  }
  WorkPlace(WorkPlace&& from) noexcept : path_(std::exchange(from.path_, {})) {}
  WorkPlace& operator=(WorkPlace&&) = delete;
  ~WorkPlace()
  {
    if (!path_.empty()) static_cast<void>(sys::remove_tree(path_));
  }
  const sys::fs::path& path() const { return path_; }
  void keep() { path_.clear(); }

private:
  explicit WorkPlace(sys::fs::path path) : path_(std::move(path)) {}
  sys::fs::path path_;
};

/// One build, below a directory of its own name and with that many workers.
Result<osbuild::ImageInfo> build_in(const sys::fs::path& images,
                                    const Options& o,
                                    std::optional<unsigned> workers,
                                    Stages& stages,
                                    const Context& ctx)
{
  osbuild::Options options = TRY(image_build_options(o.build, ctx, images));
  if (workers) options.workers = *workers;
  ShownBuild progress{stages};
  auto built = TRY(osbuild::build(options, progress));
  stages.end();
  return std::move(built.image);
}

/// A firmware that the builds do not make themselves must be told to both.
Status check_sev_firmware(const Options& o, const osbuild::ImageInfo& image)
{
  const bool has = !image.metadata.bios_sev.empty();
  if (has == !o.build.sev_firmware.empty()) return ok();
  return fail(Errc::usage, "{} was built {} --sev-firmware: this build must be too",
              image.directory.filename().string(), has ? "with" : "without");
}

void report(const osbuild::ImageInfo& first,
            const osbuild::ImageInfo& second,
            const std::vector<osbuild::Difference>& differences,
            Context& ctx)
{
  if (ctx.ui().json()) {
    codec::Json list = codec::Json::array();
    for (const osbuild::Difference& one : differences)
      list.push(codec::Json::object().set("file", one.file).set("what", one.what));
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.os.reproduce/1")
                          .set("identical", differences.empty())
                          .set("first", image_json(first))
                          .set("second", image_json(second))
                          .set("differences", std::move(list)));
    return;
  }
  if (differences.empty())
    return ctx.ui().line(fmt::format("IDENTICAL  {}", first.image_hash));
  ctx.ui().line(fmt::format("DIFFERENT  {} and {}", first.image_hash, second.image_hash));
  for (const osbuild::Difference& one : differences)
    ctx.ui().line(fmt::format("  {}: {}", one.file, one.what));
  if (first.metadata.git_revision != second.metadata.git_revision)
    ctx.ui().line(fmt::format("They were built by other commits of dstack, {} and {}: build with "
                              "the same one.",
                              printable(first.metadata.git_revision),
                              printable(second.metadata.git_revision)));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  std::optional<osbuild::ImageInfo> given;
  if (!o.image.empty()) {
    given = TRY(osbuild::describe_image(TRY(find_image(ctx, o.image))));
    TRY(check_sev_firmware(o, *given));
  }
  WorkPlace work = TRY(WorkPlace::make(ctx));
  Stages stages{ctx.ui()};
  const auto first =
      given ? *given : TRY(build_in(work.path() / "first", o, std::nullopt, stages, ctx));
  const auto second =
      TRY(build_in(work.path() / "elsewhere/second", o, given ? std::nullopt : std::optional{1U},
                   stages, ctx));
  const auto differences = TRY(osbuild::compare_images(first.directory, second.directory));
  report(first, second, differences, ctx);
  if (o.keep) {
    ctx.ui().note(fmt::format("kept in {}", work.path().string()));
    work.keep();
  }
  return differences.empty() ? Exit::ok : Exit::refused;
}

} // namespace

void add_os_reproduce(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("os reproduce", "Build an image again and compare every byte");
  leaf.argument("IMAGE", o->image, "Image to compare with; a second build when left out")
      .completes(image_candidates);
  leaf.flag("--keep", o->keep, "Keep what was built, and say where");
  add_image_build_options(leaf, o->build);
  leaf.json("dstack.os.reproduce/1")
      .describe("With an image, builds once and compares with it: whoever gets the same bytes from "
                "the source need not trust who built them. Without one, builds twice, in two "
                "directories and with another number of workers. Names each file that differs, and "
                "where. Exit status 0 says that all are the same, 3 that one is not.")
      .example("dstack os reproduce ./dstack-0.1.0", "Is this image what the source gives?")
      .example("dstack os reproduce --json", "Two builds, for programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
