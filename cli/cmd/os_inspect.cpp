#include "cli/cmd/add.hpp"
#include "cli/images.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string image;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const sys::fs::path directory = TRY(image_or_newest(ctx, o.image));
  const osbuild::ImageInfo info = TRY(osbuild::describe_image(directory));
  if (ctx.ui().json()) {
    codec::Json out = codec::Json::object().set("schema", "dstack.os.inspect/1");
    const codec::Json facts = image_json(info);
    for (const auto& [key, value] : facts.members())
      out.set(key, value);
    ctx.ui().document(out);
    return Exit::ok;
  }
  const auto row = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) ctx.ui().line(fmt::format("{:<14} {}", name, value));
  };
  row("name", info.directory.filename().string());
  row("version", info.metadata.version);
  row("os image hash", info.image_hash);
  row("rootfs hash", info.root_hash);
  row("source", info.metadata.git_revision);
  row("size", format_size(info.size_bytes));
  row("kernel", info.metadata.kernel);
  row("initrd", info.metadata.initrd);
  row("rootfs", info.metadata.rootfs);
  row("firmware", info.metadata.bios);
  row("command line", info.metadata.cmdline);
  row("directory", info.directory.string());
  ctx.ui().line("As the image says of itself; 'dstack os verify' checks it.");
  return Exit::ok;
}

} // namespace

void add_os_inspect(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("os inspect", "Show what an image says about itself");
  leaf.argument("IMAGE", o->image, "Name or directory; the newest when left out")
      .completes(image_candidates);
  leaf.json("dstack.os.inspect/1")
      .example("dstack os inspect", "The newest image")
      .example("dstack os inspect ./images/dstack-0.1.0", "A directory")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
