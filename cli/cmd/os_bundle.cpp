#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "osbuild/verifier_bundle.hpp"

#include <system_error>

namespace dstack::cli {

namespace {

struct Options {
  std::string image;
  std::string output;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const sys::fs::path directory = TRY(image_or_newest(ctx, o.image));
  const osbuild::ImageInfo info =
      TRY(verify_image_cached(ctx, directory).within("{}", directory.filename().string()));
  const sys::fs::path path = sys::fs::path{o.output} / osbuild::bundle_name(info);
  TRY(osbuild::write_verifier_bundle(info, path));
  const std::uint64_t size = TRY(sys::file_size(path));
  if (ctx.ui().json()) {
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.os.bundle/1")
                          .set("image", directory.filename().string())
                          .set("os_image_hash", info.image_hash)
                          .set("file", path.string())
                          .set("size_bytes", size));
    return Exit::ok;
  }
  ctx.ui().line(path.string());
  return Exit::ok;
}

} // namespace

void add_os_bundle(Tree& tree)
{
  auto o = std::make_shared<Options>();
  o->output = ".";
  Leaf& leaf = tree.leaf("os bundle", "Pack what verifiers measure an image by");
  leaf.argument("IMAGE", o->image, "Name or directory; the newest when left out")
      .completes(image_candidates);
  leaf.directory("-o,--output", o->output, "Where the file goes").fallback(".");
  leaf.json("dstack.os.bundle/1")
      .describe("Writes mr_HASH.tar.gz, named by the OS image hash: firmware, kernel, initrd, "
                "metadata, measurement documents and checksums, but not the root file system, "
                "whose hash is on the kernel command line. Verifiers of the dstack ecosystem fetch "
                "it by that name, and so compute the measurements of an image that they do not "
                "have. The image is checked first; the same image gives the same bytes.")
      .example("dstack os bundle", "Of the newest image, into this directory")
      .example("dstack os bundle dstack-0.1.0 -o /srv/os-images", "Where a web server finds it")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
