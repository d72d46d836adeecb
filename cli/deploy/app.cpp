#include "cli/deploy/app.hpp"

#include "base/text.hpp"
#include "cli/deploy/compose_files.hpp"

#include <array>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t tar_magic_at = 257;

bool is_tar(std::string_view head)
{
  return head.size() > tar_magic_at + 5 && head.substr(tar_magic_at, 5) == "ustar";
}

/// The digests of all images that have none, asked from the source.
Result<std::map<std::string, std::string>>
resolve_images(App& app, ImageSource& source, const compose::Project& project, Stages& stages)
{
  std::map<std::string, std::string> digests;
  for (const std::string& reference : project.images()) {
    stages.detail(reference);
    stages.tick();
    AppImage image;
    image.reference = reference;
    image.parsed = TRY(oci::parse_reference(reference).within("image '{}'", reference));
    image.resolved = TRY(source.describe(image.parsed).within("image '{}'", reference));
    if (image.parsed.digest.empty()) digests[reference] = image.resolved.digest;
    app.images.push_back(std::move(image));
  }
  return digests;
}

/// Images in the app as measured carry their digest: the bundle lists them that way.
void rename_pinned(App& app, const std::map<std::string, std::string>& digests)
{
  for (AppImage& image : app.images)
    if (const auto at = digests.find(image.reference); at != digests.end()) {
      image.reference += "@" + at->second;
      image.parsed.digest = at->second;
    }
}

/// Options as given, and what a KMS adds to them.
BootOptions boot_options(const AppOptions& options)
{
  BootOptions out = options.boot;
  out.gateway = options.gateway;
  if (!options.kms) return out;
  out.key_provider = compose::name_of(compose::KeyProvider::kms);
  out.kms_root = options.kms->root;
  out.allow_envs.insert(out.allow_envs.end(), options.kms->variables.begin(),
                        options.kms->variables.end());
  return out;
}

enum class Support { required, any };

Result<App>
fill_from_bytes(std::string bytes, std::string source_name, Support support = Support::required)
{
  App app;
  app.source_name = std::move(source_name);
  app.bytes = std::move(bytes);
  app.parsed = TRY(compose::parse_app_compose(app.bytes).within("{}", app.source_name));
  if (support == Support::required)
    TRY(compose::require_supported(app.parsed).within("{}", app.source_name));
  const auto hash = compose::compose_hash(as_bytes(app.bytes));
  app.compose_hash = hex(hash);
  app.app_id = hex(compose::app_id(hash));
  if (!app.parsed.docker_compose_file) return app;
  compose::ReadOptions read;
  read.encrypted = app.parsed.allowed_envs;
  read.file_name = "docker_compose_file of " + app.source_name;
  if (const auto env = app.parsed.env_files.find(".env"); env != app.parsed.env_files.end())
    read.variables = TRY(compose::parse_dotenv(env->second, ".env"));
  app.project = TRY(compose::read_project(*app.parsed.docker_compose_file, read));
  return app;
}

Result<App> from_compose_file(Context& ctx,
                              const AppOptions& options,
                              const ComposeFiles& files,
                              const std::string& fallback_name,
                              std::shared_ptr<ImageSource> source,
                              Stages& stages)
{
  App draft;
  std::string text = files.text;
  if (!options.no_pin || !options.images.empty()) {
    stages.begin("find the images");
    const auto digests = TRY(resolve_images(draft, *source, files.project, stages));
    stages.detail(fmt::format("{} pinned", digests.size()));
    stages.end();
    if (!options.no_pin) {
      text = TRY(compose::pin_images(files.text, files.project, digests));
      rename_pinned(draft, digests);
    }
    draft.image_source = std::move(source);
  }
  if (options.no_pin)
    ctx.ui().warn(
        "--no-pin: tags are not resolved; the compose hash does not say which images run, "
        "and a registry can change them");
  compose::BuildOptions build;
  build.name = !options.app_name.empty()     ? options.app_name
               : !files.project.name.empty() ? files.project.name
               : !fallback_name.empty()      ? fallback_name
                                             : files.directory_name;
  build.docker_compose_file = std::move(text);
  build.env_files = files.env_files;
  TRY(fill_boot_options(boot_options(options), options.before, build));
  const std::string bytes = TRY(compose::build_app_compose(build));
  App app = TRY(fill_from_bytes(bytes, files.name));
  app.images = std::move(draft.images);
  app.image_source = std::move(draft.image_source);
  return app;
}

/// A bundle and an app-compose.json are measured as they are.
Status check_changeable(const AppOptions& options, const std::string& name)
{
  if (!options.boot.any()) return ok();
  return fail(Errc::usage,
              "{} says itself how the app is booted: --key-provider, --kms-root, --allow-env, "
              "--init-script, --pre-launch-script, --swap and --event-log are for compose files",
              name);
}

Result<App> from_bundle(const sys::fs::path& path)
{
  const sys::Fd fd = TRY(sys::open_read(path));
  const auto bundle = TRY(archive::BundleReader::open(fd.get()).within("{}", path.string()));
  const Bytes bytes = TRY(bundle.read(archive::app_compose_name, compose::max_app_compose_bytes)
                              .within("{}", path.string()));
  const auto info = TRY(bundle.info().within("{}", path.string()));
  App app = TRY(fill_from_bytes(to_text(bytes), path.string()));
  if (info.compose_hash != app.compose_hash)
    return fail(Errc::untrusted, "{}: {} hashes to {}, not to the {} the bundle states",
                path.string(), archive::app_compose_name, app.compose_hash, info.compose_hash);
  TRY(archive::verify_blobs(bundle).within("{}", path.string()));
  if (!info.images.empty()) app.bundle = path;
  return app;
}

} // namespace

void add_app_options(Leaf& leaf, AppOptions& options, std::string_view argument)
{
  leaf.file_argument(
      std::string{argument}, options.source,
      "Compose file, app-compose.json or bundle; - reads stdin; without it compose.yaml "
      "of the current directory");
  leaf.option("--app-name", options.app_name, "NAME",
              "Name of the app, which is measured (default: the compose file's name, else its "
              "directory)")
      .group("App");
  leaf.directory("--images", options.images,
                 "Take images from this OCI image layout, not from a registry")
      .group("App");
  leaf.flag("--no-pin", options.no_pin, "Leave image tags as they are: what runs is then not fixed")
      .group("App");
  add_boot_options(leaf, options.boot);
}

Result<App> app_from_bytes(std::string bytes, std::string source_name)
{
  return fill_from_bytes(std::move(bytes), std::move(source_name));
}

Result<App> read_packed_app(const std::string& source)
{
  const SourceFile file = TRY(open_source(source));
  if (!is_tar(file.head)) return fill_from_bytes(TRY(read_source(file)), file.name);
  if (file.path.empty()) return fail(Errc::usage, "a bundle cannot be read from stdin");
  return from_bundle(file.path);
}

Result<App> prepare_app(Context& ctx,
                        const AppOptions& options,
                        const fetch::RegistryOptions& registry,
                        const std::string& fallback_name,
                        Stages& stages)
{
  stages.begin("read the app");
  const SourceFile file = TRY(open_source(options.source));
  const Status changeable = check_changeable(options, file.name);
  if (is_tar(file.head)) {
    TRY(Status{changeable});
    if (file.path.empty()) return fail(Errc::usage, "a bundle cannot be read from stdin");
    return from_bundle(file.path);
  }
  const std::string text = TRY(read_source(file));
  if (trim(text).starts_with("{") && text.find("\"manifest_version\"") != std::string::npos) {
    TRY(Status{changeable});
    return fill_from_bytes(text, file.name, options.never_boots ? Support::any : Support::required);
  }
  const ComposeFiles files =
      TRY(read_compose_files(file, text, TRY(allowed_envs(boot_options(options), options.before))));
  std::shared_ptr<ImageSource> source;
  if (options.images.empty())
    source = registry_source(registry, ctx.dirs().cache / "oci");
  else
    source = TRY(layout_source(options.images));
  return from_compose_file(ctx, options, files, fallback_name, std::move(source), stages);
}

} // namespace dstack::cli
