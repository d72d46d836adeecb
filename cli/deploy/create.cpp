#include "cli/deploy/create.hpp"

#include "base/text.hpp"
#include "cli/deploy/sys_config.hpp"
#include "cli/images.hpp"
#include "store/host_facts.hpp"
#include "vm/share_disk.hpp"

#include <system_error>

namespace dstack::cli {

namespace {

constexpr std::uint64_t space_margin = std::uint64_t{256} << 20U;

Status place_bundle(const sys::fs::path& directory, const App& app)
{
  const sys::fs::path target = directory / bundle_file;
  if (app.bundle.empty()) return write_app_bundle(app, target);
  const sys::fs::path fresh = directory / (std::string{bundle_file} + ".new");
  std::error_code code;
  sys::fs::copy_file(app.bundle, fresh, sys::fs::copy_options::overwrite_existing, code);
  if (code) return fail(Errc::io, "copy {}: {}", app.bundle.string(), code.message());
  return sys::rename_path(fresh, target);
}

} // namespace

Result<TeeChoice> choose_tee(const std::string& wanted)
{
  const store::HostFacts host = store::detect_host();
  if (!host.qemu) return host.qemu.error();
  if (wanted == "tdx" && !host.tdx.usable)
    return fail(Errc::not_found,
                "--tee tdx: this machine has no TDX ({})\n'dstack doctor --tee tdx' says what is "
                "missing",
                host.tdx.why);
  if (wanted == "snp" && !host.snp.usable)
    return fail(Errc::not_found,
                "--tee snp: this machine has no SEV-SNP ({})\n'dstack doctor --tee snp' says what "
                "is missing",
                host.snp.why);
  if (wanted == "snp")
    return TeeChoice{store::Tee::snp, "TEE: AMD SEV-SNP (the VM reads its reports; its agent starts "
                                      "no app yet)"};
  if (wanted != "sim" && host.tdx.usable) return TeeChoice{store::Tee::tdx, "TEE: Intel TDX"};
  const std::string why = wanted == "sim" ? "asked for" : "no TEE hardware";
  return TeeChoice{store::Tee::sim,
                   fmt::format("simulated: {}; nothing here is confidential", why)};
}

Result<osbuild::ImageInfo>
deployable_image(Context& ctx, const config::Config& config, bool skip_check, Stages& stages)
{
  const config::Value& setting = config.value("image");
  const bool chosen = setting.layer != config::Layer::built_in;
  const sys::fs::path directory = TRY(image_or_newest(ctx, chosen ? setting.text : ""));
  if (skip_check) {
    ctx.ui().warn("--insecure-skip-image-check: the files of the OS image are not checked");
    return osbuild::describe_image(directory);
  }
  stages.begin("check the OS image");
  return verify_image_cached(ctx, directory).within("{}", directory.filename().string());
}

fetch::RegistryOptions registry_options(const config::Config& config)
{
  return {config.text("registry.mirror"), config.list("registry.insecure")};
}

Status write_vm_files(const sys::fs::path& directory,
                      const store::VmSpec& spec,
                      const App& app,
                      const osbuild::ImageInfo& image)
{
  const sys::fs::path share = directory / "share";
  if (!spec.bundle.empty()) TRY(place_bundle(directory, app));
  TRY(write_sys_config(directory, spec, image, TRY(host_says(spec, app.parsed, image))));
  return sys::write_file_atomic(share / "app-compose.json", as_bytes(app.bytes),
                                sys::Privacy::owner_only);
}

Result<std::optional<Bytes>> read_user_config(const std::string& file)
{
  if (file.empty()) return std::optional<Bytes>{};
  const auto limit = static_cast<std::size_t>(vm::share_file_limit(".user-config"));
  return std::optional<Bytes>{TRY(sys::read_file(file, limit).within("--user-config"))};
}

Status write_user_config(const sys::fs::path& directory, const std::optional<Bytes>& config)
{
  if (!config) return ok();
  return sys::write_file_atomic(directory / "share" / ".user-config", *config,
                                sys::Privacy::owner_only);
}

Status check_disk_space(const Context& ctx, const App& app)
{
  TRY(sys::make_directories(ctx.vms_dir(), sys::Privacy::owner_only));
  std::uint64_t bundle = bundle_size(app);
  if (!app.bundle.empty()) bundle = TRY(sys::file_size(app.bundle));
  const std::uint64_t free = TRY(sys::free_space(ctx.vms_dir()));
  if (free >= bundle + space_margin) return ok();
  return fail(Errc::io,
              "not enough disk space in {}: {} free, {} wanted\n"
              "remove VMs ('dstack ps -a', 'dstack rm') or set XDG_STATE_HOME to a larger disk",
              ctx.vms_dir().string(), format_size(free), format_size(bundle + space_margin));
}

bool carries_images(const App& app, const AppOptions& options)
{
  return !app.bundle.empty() || (!options.images.empty() && !app.images.empty());
}

} // namespace dstack::cli
