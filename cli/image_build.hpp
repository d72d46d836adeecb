#pragma once
/// Building images, as `os build` and `os reproduce` are told to.

#include "cli/settings.hpp"
#include "cli/ui/stages.hpp"
#include "osbuild/osbuild.hpp"

namespace dstack::cli {

struct ImageBuildOptions {
  SettingOptions settings;
  std::string recipe;
  std::string sev_firmware;
  std::uint64_t jobs = 0;
};
void add_image_build_options(Leaf& leaf, ImageBuildOptions& o);

/// Of a build into that directory; its name is the recipe's.
Result<osbuild::Options>
image_build_options(const ImageBuildOptions& o, const Context& ctx, const sys::fs::path& images);

/// A build's progress as stages.
class ShownBuild : public osbuild::Progress {
public:
  explicit ShownBuild(Stages& stages) : stages_(stages) {}
  void step(std::string_view what) override { stages_.begin(std::string{what}); }
  void downloaded(std::uint64_t bytes, std::uint64_t of_bytes) override;

private:
  Stages& stages_;
};

} // namespace dstack::cli
