#include "measure/image_files.hpp"
#include "osbuild/build_steps.hpp"
#include "osbuild/image_info.hpp"
#include "osbuild/libraries.hpp"
#include "osbuild/measurement.hpp"
#include "osbuild/osbuild.hpp"
#include "osbuild/package_cache.hpp"
#include "osbuild/root_disk.hpp"
#include "sys/clock.hpp"

#include <algorithm>

namespace dstack::osbuild {

namespace {

constexpr const char* firmware_name = "ovmf.fd";
constexpr const char* sev_firmware_name = "ovmf-sev.fd";
constexpr const char* kernel_name = "bzImage";
constexpr const char* initramfs_name = "initramfs.cpio";
constexpr const char* root_name = "rootfs.img.parted.verity";
const std::string hidden_prefix = ".new-";

/// Removes the work directory however the build ends.
class TemporaryTree {
public:
  explicit TemporaryTree(fs::path path) : path_(std::move(path)) {}
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;
  ~TemporaryTree()
  {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

/// Announces steps and notes how long each took.
class Stopwatch {
public:
  explicit Stopwatch(Progress& progress) : progress_(progress) {}
  void begin(std::string name)
  {
    end();
    progress_.step(name);
    times_.push_back({std::move(name), 0});
    since_ = sys::monotonic_ms();
  }
  std::vector<StepTime> finish()
  {
    end();
    return times_;
  }

private:
  void end()
  {
    if (!times_.empty()) times_.back().ms = sys::monotonic_ms() - since_;
  }
  Progress& progress_;
  std::vector<StepTime> times_;
  std::int64_t since_ = 0;
};

std::vector<image::LockedPackage> needed(const image::PackageLock& lock)
{
  std::vector<image::LockedPackage> out;
  for (const image::LockedPackage& package : lock.packages)
    for (const char* role : {"rootfs", "kernel", "firmware", "tools"})
      if (package.has_role(role)) {
        out.push_back(package);
        break;
      }
  return out;
}

Result<fs::path> find_kernel(const fs::path& kernel)
{
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{kernel / "usr/lib/modules", error})
    if (fs::exists(entry.path() / "vmlinuz")) return entry.path() / "vmlinuz";
  return fail(Errc::config, "no vmlinuz in the kernel packages");
}

Status put(const Workplace& work, const char* name, ByteView content)
{
  return write_file(work.image() / name, content, 0644);
}

Status copy(const Workplace& work, const fs::path& from, const char* name)
{
  return put(work, name, TRY(sys::read_file(from, max_boot_file)));
}

/// The file as it is, but for what a boot loader writes into it: the measured bytes are then the
/// same under every QEMU.
Status put_kernel(const Workplace& work, std::size_t initrd_size)
{
  const Bytes kernel = TRY(sys::read_file(TRY(find_kernel(work.kernel())), max_boot_file));
  return put(work, kernel_name, TRY(measure::normalized_kernel(kernel, initrd_size)));
}

Status put_firmware(const Options& options, const Workplace& work)
{
  TRY(copy(work, work.firmware() / "usr/share/ovmf/OVMF.fd", firmware_name));
  if (options.sev_firmware.empty()) return ok();
  return copy(work, options.sev_firmware, sev_firmware_name);
}

image::Metadata metadata_of(const Options& options, const Recipe& recipe, const SealedRoot& root)
{
  image::Metadata out;
  out.bios = firmware_name;
  if (!options.sev_firmware.empty()) out.bios_sev = sev_firmware_name;
  out.kernel = kernel_name;
  out.initrd = initramfs_name;
  out.rootfs = root_name;
  out.cmdline = fmt::format("{} dstack.rootfs_hash={} dstack.rootfs_size={}", recipe.cmdline,
                            root.hash, root.size_bytes);
  out.version = recipe.version;
  out.git_revision = options.git_revision;
  out.ovmf_variant = measure::known_ovmf_variant;
  return out;
}

Status
assemble(const Options& options, const Recipe& recipe, const Workplace& work, Stopwatch& watch)
{
  watch.begin("unpack");
  TRY(unpack_packages(recipe, options.packages, work, options.workers).within("unpack"));
  TRY(add_own_files(recipe, options.guest_program, work).within("our own files"));
  TRY(check_libraries(work.root()));
  watch.begin("kernel modules");
  const auto modules = TRY(add_modules(recipe, work).within("kernel modules"));
  TRY(sys::make_directories(work.image(), sys::Privacy::shared));
  TRY(put_firmware(options, work));
  const std::uint32_t epoch = recipe.lock.epoch;
  const Bytes initramfs = TRY(make_initramfs(modules, options.init_program, epoch));
  TRY(put(work, initramfs_name, initramfs));
  TRY(put_kernel(work, initramfs.size()).within("kernel"));
  watch.begin("root file system");
  const fs::path disk = work.image() / root_name;
  TRY(make_squashfs(work, disk, epoch));
  watch.begin("integrity tree and measurements");
  const SealedRoot root = TRY(seal_root_disk(disk).within("root disk"));
  return describe_files(work.image(), metadata_of(options, recipe, root))
      .within("measurement documents");
}

Status check_inputs(const Options& options)
{
  for (const fs::path& program : {options.guest_program, options.init_program})
    TRY(sys::file_size(program).within("a program of the guest"));
  if (options.sev_firmware.empty()) return ok();
  const std::string name = options.sev_firmware.string();
  const Bytes firmware = TRY(sys::read_file(options.sev_firmware, measure::max_firmware_size));
  static_cast<void>(TRY(measure::snp_firmware(firmware).within("{}", name)));
  return ok();
}

/// What builds that were killed left behind; none is at work, says the contract of build().
void remove_leftovers(const fs::path& images)
{
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{images, error})
    if (entry.path().filename().string().starts_with(hidden_prefix))
      fs::remove_all(entry.path(), error);
}

Status publish(const Workplace& work, const fs::path& target, Existing existing)
{
  if (fs::exists(target)) {
    if (existing == Existing::refuse)
      return fail(Errc::usage, "the image {} exists already", target.string());
    TRY(sys::rename_path(target, work.top / "replaced"));
  }
  return sys::rename_path(work.image(), target);
}

/// Where the packages come from does not matter: the lock holds their hashes.
void use_mirror(image::PackageLock& lock, const std::string& mirror)
{
  constexpr std::string_view debian = "http://deb.debian.org";
  if (mirror.empty()) return;
  for (auto& [name, url] : lock.archives)
    if (url.starts_with(debian)) url.replace(0, debian.size(), mirror);
}

} // namespace

Result<Built> build(const Options& options, Progress& progress)
{
  Recipe recipe = TRY(load_recipe(options.recipe).within("recipe"));
  use_mirror(recipe.lock, options.mirror);
  const std::string name = options.name.empty() ? "dstack-" + recipe.version : options.name;
  TRY(image::check_name(name));
  TRY(check_inputs(options));
  const fs::path target = options.images / name;
  if (options.existing == Existing::refuse && fs::exists(target))
    return fail(Errc::usage, "the image {} exists already", target.string());
  TRY(sys::make_directories(options.images, sys::Privacy::shared));
  remove_leftovers(options.images);
  const TemporaryTree tree{TRY(sys::make_temp_directory(options.images, hidden_prefix + name))};
  const Workplace work{tree.path()};

  Stopwatch watch{progress};
  watch.begin("download");
  constexpr unsigned connections = 4;
  TRY(fetch_packages(needed(recipe.lock), recipe.lock, options.packages, connections, progress)
          .within("packages"));
  TRY(assemble(options, recipe, work, watch));
  TRY(publish(work, target, options.existing));
  Built out;
  out.times = watch.finish();
  out.image = TRY(describe_image(target));
  return out;
}

} // namespace dstack::osbuild
