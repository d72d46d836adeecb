#include "cli/image_build.hpp"

#include <algorithm>
#include <unistd.h>

namespace dstack::cli {

void ShownBuild::downloaded(std::uint64_t bytes, std::uint64_t of_bytes)
{
  stages_.detail(fmt::format("{} of {}", format_size(bytes), format_size(of_bytes)));
  stages_.tick();
}

void add_image_build_options(Leaf& leaf, ImageBuildOptions& o)
{
  leaf.directory("--recipe", o.recipe, "Recipe directory (the os/ of the source tree)");
  leaf.file("--sev-firmware", o.sev_firmware, "Firmware for AMD SEV-SNP: edk2's AmdSevX64");
  leaf.number("-j,--jobs", o.jobs, "N", "Work done at the same time").fallback("number of cores");
  o.settings.add(leaf, "--mirror", "debian.mirror");
}

Result<osbuild::Options>
image_build_options(const ImageBuildOptions& o, const Context& ctx, const sys::fs::path& images)
{
  constexpr std::uint64_t most_jobs = 64;
  osbuild::Options out;
  out.recipe = o.recipe.empty() ? TRY(ctx.shared_data("os")) : sys::fs::path{o.recipe};
  out.guest_program = TRY(ctx.helper("dstack-guest"));
  out.init_program = TRY(ctx.helper("dstack-init"));
  out.images = images;
  out.sev_firmware = o.sev_firmware;
  out.packages = ctx.dirs().cache / "packages";
  const config::Config config = TRY(load_config(ctx, o.settings));
  out.mirror = config.text("debian.mirror");
  while (!out.mirror.empty() && out.mirror.back() == '/')
    out.mirror.pop_back();
  out.git_revision = DSTACK_COMMIT;
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  const unsigned cores = online < 1 ? 1U : static_cast<unsigned>(online);
  out.workers = o.jobs == 0 ? cores : static_cast<unsigned>(std::min(o.jobs, most_jobs));
  return out;
}

} // namespace dstack::cli
