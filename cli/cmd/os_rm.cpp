#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::vector<std::string> images;
  bool yes = false;
  bool dry_run = false;
};

/// Names of VMs that start from this image.
Result<std::vector<std::string>> users_of(const Context& ctx, const sys::fs::path& directory)
{
  std::vector<std::string> out;
  for (const store::VmRecord& vm : TRY(vm_store(ctx).list()))
    if (vm.spec.image.path == directory) out.push_back(shown_name(vm));
  return out;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  std::vector<sys::fs::path> directories;
  for (const std::string& word : o.images) {
    TRY(as_usage(image::check_name(word).within("image name")));
    directories.push_back(TRY(find_image(ctx, word)));
    const auto users = TRY(users_of(ctx, directories.back()));
    if (!users.empty())
      return fail(Errc::denied, "{} is used by {}\nremove those VMs first", word,
                  join(users, ", "));
  }
  if (o.dry_run || (!o.yes && !ctx.may_ask())) {
    for (const auto& directory : directories)
      ctx.ui().note(fmt::format("would delete {}", directory.string()));
    if (o.dry_run) return Exit::ok;
    return fail(Errc::usage, "say --yes to delete");
  }
  if (!o.yes && !ctx.confirm(fmt::format("delete {}?", join(o.images, ", ")))) return Exit::refused;
  for (const auto& directory : directories) {
    TRY(sys::remove_tree(directory));
    ctx.ui().line(fmt::format("removed {}", directory.filename().string()));
  }
  return Exit::ok;
}

} // namespace

void add_os_rm(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("os rm", "Delete guest OS images");
  leaf.arguments("IMAGE", o->images, "Names").required().completes(image_candidates);
  leaf.flag("-y,--yes", o->yes, "Do not ask");
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would be deleted");
  leaf.describe("An image that a VM uses is kept.")
      .example("dstack os rm trial", "Delete after asking")
      .example("dstack os rm --yes trial", "For scripts")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
