#pragma once
/// The app to deploy: from a compose file, an app-compose.json or a bundle to the measured bytes.

#include "cli/context.hpp"
#include "cli/deploy/boot_options.hpp"
#include "cli/deploy/image_source.hpp"
#include "cli/ui/stages.hpp"
#include "compose/app_compose.hpp"
#include "compose/project.hpp"

#include <optional>

namespace dstack::cli {

/// What the command line says about the app; shared by deploy, update, diff and the app commands.
struct AppOptions {
  std::string source; ///< file, "-", or empty: look in the current directory
  std::string app_name;
  std::string images; ///< OCI layout
  bool no_pin = false;
  BootOptions boot;
  /// What --kms means for an app that is made from a compose file; others say it themselves.
  struct Kms {
    std::string root;                   ///< hex
    std::vector<std::string> variables; ///< of --env-file
  };
  std::optional<Kms> kms;
  bool gateway = false; ///< an app that is made from a compose file asks for one
  const compose::AppCompose* before = nullptr; ///< the app this one follows, in an update
  bool never_boots = false; ///< fields that no guest of ours carries out are fine
};

/// One image the app starts, found at its source.
struct AppImage {
  std::string reference; ///< as the app-compose spells it
  oci::Reference parsed;
  fetch::ResolvedImage resolved;
};

struct App {
  std::string bytes; ///< app-compose.json, measured as they are
  compose::AppCompose parsed;
  compose::Project project;
  std::string compose_hash; ///< hex
  std::string app_id;       ///< hex, of a fresh app
  std::string source_name;  ///< for messages
  std::vector<AppImage> images;
  std::shared_ptr<ImageSource> image_source; ///< of images; null when nothing was resolved
  sys::fs::path bundle;                      ///< the bundle given, when it has images inside
};

/// Adds COMPOSE and the options above.
void add_app_options(Leaf& leaf, AppOptions& options, std::string_view argument);

/// registry: where tags are asked for when there is no layout. fallback_name is used for a compose
/// file that names no project and when --app-name is not given; empty: the directory's name.
Result<App> prepare_app(Context& ctx,
                        const AppOptions& options,
                        const fetch::RegistryOptions& registry,
                        const std::string& fallback_name,
                        Stages& stages);

/// Reads measured bytes back into an App (no images).
Result<App> app_from_bytes(std::string bytes, std::string source_name);

/// A bundle or an app-compose.json, no compose file.
Result<App> read_packed_app(const std::string& source);

/// Writes the app and its images into one bundle and checks every blob of it.
Status write_app_bundle(const App& app, const sys::fs::path& path);
/// Bytes a bundle of this app takes, about.
std::uint64_t bundle_size(const App& app);

} // namespace dstack::cli
