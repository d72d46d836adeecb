#include "cli/cmd/add.hpp"
#include "cli/images.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string image;
  std::string hash;
};

/// An image that lacks its own files is not one: that is input to refuse, not a failure to look.
Result<osbuild::ImageInfo> verified(const sys::fs::path& directory)
{
  auto info = osbuild::verify_image(directory).within("{}", directory.filename().string());
  if (!info && info.error().code() == Errc::not_found)
    return Error{Errc::malformed, info.error().message()};
  return info;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const sys::fs::path directory = TRY(image_or_newest(ctx, o.image));
  const osbuild::ImageInfo info = TRY(verified(directory));
  if (!o.hash.empty() && lower(o.hash) != info.image_hash)
    return fail(Errc::untrusted, "{} has the OS image hash {}, want {}",
                directory.filename().string(), info.image_hash, o.hash);
  if (ctx.ui().json()) {
    codec::Json out =
        codec::Json::object().set("schema", "dstack.os.verify/1").set("verified", true);
    const codec::Json facts = image_json(info);
    for (const auto& [key, value] : facts.members())
      out.set(key, value);
    ctx.ui().document(out);
    return Exit::ok;
  }
  ctx.ui().line(fmt::format("VERIFIED  {}", info.directory.filename().string()));
  ctx.ui().line(fmt::format("os image hash  {}", info.image_hash));
  ctx.ui().line("Checked: every file against sha256sum.txt, that against digest.txt, the root file "
                "system\nagainst the hash on the kernel command line.");
  if (o.hash.empty())
    ctx.ui().line(
        "Not checked: where the image comes from. Compare the hash, or give it with --hash.");
  return Exit::ok;
}

} // namespace

void add_os_verify(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("os verify", "Check every file of an image against its hashes");
  leaf.argument("IMAGE", o->image, "Name or directory; the newest when left out")
      .completes(image_candidates);
  leaf.option("--hash", o->hash, "HEX", "The OS image hash it must have");
  leaf.json("dstack.os.verify/1")
      .describe("Exit status 3 says that a file is not what the image's own hashes say, 4 that the "
                "image directory cannot be read as one.")
      .example("dstack os verify", "The newest image")
      .example("dstack os verify ./images/dstack-0.1.0 --json", "A directory, for programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
