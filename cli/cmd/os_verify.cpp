#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "osbuild/measurement.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string image;
  std::string hash;
  bool measure = false;
};

using Documents = std::vector<osbuild::CheckedDocument>;

/// An image that lacks its own files is not one: that is input to refuse, not a failure to look.
Result<osbuild::ImageInfo> verified(const sys::fs::path& directory)
{
  auto info = osbuild::verify_image(directory).within("{}", directory.filename().string());
  if (!info && info.error().code() == Errc::not_found)
    return Error{Errc::malformed, info.error().message()};
  return info;
}

codec::Json
document_of(const Options& o, const osbuild::ImageInfo& info, const Documents& documents)
{
  codec::Json out = codec::Json::object().set("schema", "dstack.os.verify/1").set("verified", true);
  const codec::Json facts = image_json(info);
  for (const auto& [key, value] : facts.members())
    out.set(key, value);
  if (!o.measure) return out;
  codec::Json measured = codec::Json::object();
  for (const osbuild::CheckedDocument& document : documents)
    measured.set(document.name, document.facts);
  return out.set("measurements", std::move(measured));
}

void print_measurements(const Documents& documents, Context& ctx)
{
  for (const osbuild::CheckedDocument& document : documents) {
    ctx.ui().line(fmt::format("{}, as the image's files give it:", document.name));
    for (const auto& [key, value] : document.facts.members())
      ctx.ui().line(fmt::format("  {:<24}  {}", key,
                                value.is_string() ? value.text() : codec::write_json(value)));
  }
  if (documents.empty())
    ctx.ui().line("No measurement documents: the image is older than they are.");
}

void print(const Options& o,
           const osbuild::ImageInfo& info,
           const Documents& documents,
           Context& ctx)
{
  ctx.ui().line(fmt::format("VERIFIED  {}", info.directory.filename().string()));
  ctx.ui().line(fmt::format("os image hash  {}", info.image_hash));
  if (o.measure) print_measurements(documents, ctx);
  ctx.ui().line("Checked: every file against sha256sum.txt, that against digest.txt, the root file "
                "system\nagainst the hash on the kernel command line.");
  if (o.hash.empty())
    ctx.ui().line(
        "Not checked: where the image comes from. Compare the hash, or give it with --hash.");
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const sys::fs::path directory = TRY(image_or_newest(ctx, o.image));
  const osbuild::ImageInfo info = TRY(verified(directory));
  if (!o.hash.empty() && lower(o.hash) != info.image_hash)
    return fail(Errc::untrusted, "{} has the OS image hash {}, want {}",
                directory.filename().string(), info.image_hash, o.hash);
  Documents documents;
  if (o.measure)
    documents = TRY(osbuild::check_documents(directory, info.metadata)
                        .within("{}", directory.filename().string()));
  if (ctx.ui().json())
    ctx.ui().document(document_of(o, info, documents));
  else
    print(o, info, documents, ctx);
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
  leaf.flag("--measure", o->measure, "Compute the measurement documents again too, and show them");
  leaf.json("dstack.os.verify/1")
      .describe("Exit status 3 says that a file is not what the image's own hashes say, 4 that the "
                "image directory cannot be read as one. With --measure the same holds for what "
                "measurement.tdx.cbor and measurement.snp.cbor say of firmware, kernel, initrd and "
                "command line.")
      .example("dstack os verify", "The newest image")
      .example("dstack os verify --measure", "Also what others measure it by")
      .example("dstack os verify ./images/dstack-0.1.0 --json", "A directory, for programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
