#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "cli/ui/table.hpp"

namespace dstack::cli {

namespace {

Result<Exit> run(Context& ctx)
{
  const std::vector<std::string> names = image_names(ctx);
  if (ctx.globals().quiet && !ctx.ui().json()) {
    for (const std::string& name : names)
      ctx.ui().line(name);
    return Exit::ok;
  }
  codec::Json list = codec::Json::array();
  Table table{{"NAME", "VERSION", "SIZE", "OS IMAGE HASH"}};
  for (const std::string& name : names) {
    const auto info = osbuild::describe_image(ctx.images_dir() / name);
    if (!info) {
      ctx.ui().warn(fmt::format("{}: {}", name, info.error().message()));
      continue;
    }
    list.push(image_json(*info));
    table.row({name, info->metadata.version, format_size(info->size_bytes), info->image_hash});
  }
  if (ctx.ui().json())
    ctx.ui().document(codec::Json::object().set("schema", "dstack.os.list/1").set("images", list));
  else
    ctx.ui().line(trim(table.text()));
  if (names.empty()) ctx.ui().note("no image yet: dstack os build");
  return Exit::ok;
}

} // namespace

void add_os_list(Tree& tree)
{
  tree.leaf("os list", "List guest OS images")
      .json("dstack.os.list/1")
      .example("dstack os list", "Names, versions, hashes")
      .example("dstack os list -q", "Only the names")
      .runs(run);
}

} // namespace dstack::cli
