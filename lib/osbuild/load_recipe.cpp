#include "osbuild/build_steps.hpp"

namespace dstack::osbuild {

Result<Recipe> load_recipe(const fs::path& directory)
{
  constexpr std::size_t max_recipe_file = std::size_t{1} << 20U;
  const auto text = [&](const char* name) {
    return sys::read_text(directory / name, max_recipe_file);
  };
  Recipe out;
  const std::string lock =
      TRY(sys::read_text(directory / "packages.lock", image::max_package_lock));
  out.lock = TRY(image::parse_package_lock(lock).within("{}/packages.lock", directory.string()));
  out.rules = TRY(parse_rules(TRY(text("rootfs.rules"))).within("rootfs.rules"));
  out.modules = TRY(parse_modules_list(TRY(text("modules.list"))).within("modules.list"));
  out.cmdline = TRY(parse_cmdline(TRY(text("cmdline"))).within("cmdline"));
  out.overlay = directory / "rootfs";
  out.version = TRY(parse_version(TRY(text("rootfs/etc/os-release"))).within("etc/os-release"));
  return out;
}

} // namespace dstack::osbuild
