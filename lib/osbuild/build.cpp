#include "crypto/hash.hpp"
#include "osbuild/build_steps.hpp"
#include "osbuild/image_info.hpp"
#include "osbuild/libraries.hpp"
#include "osbuild/osbuild.hpp"
#include "osbuild/package_cache.hpp"
#include "osbuild/root_disk.hpp"
#include "sys/clock.hpp"

#include <algorithm>

namespace dstack::osbuild {

namespace {

constexpr const char* firmware_name = "ovmf.fd";
constexpr const char* kernel_name = "bzImage";
constexpr const char* initramfs_name = "initramfs.cpio";
constexpr const char* root_name = "rootfs.img.parted.verity";
/// edk2 2025.02, the layout of boot events that spec/host 5.3 calls by this name.
constexpr const char* firmware_variant = "pre202505";
const std::string hidden_prefix = ".new-";
constexpr std::size_t max_boot_file = std::size_t{256} << 20U;

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

/// metadata.json, sha256sum.txt and digest.txt over the files already there.
Status describe(const Options& options,
                const Recipe& recipe,
                const SealedRoot& root,
                const Workplace& work)
{
  image::Metadata metadata;
  metadata.bios = firmware_name;
  metadata.kernel = kernel_name;
  metadata.initrd = initramfs_name;
  metadata.rootfs = root_name;
  metadata.cmdline = fmt::format("{} dstack.rootfs_hash={} dstack.rootfs_size={}", recipe.cmdline,
                                 root.hash, root.size_bytes);
  metadata.version = recipe.version;
  metadata.git_revision = options.git_revision;
  metadata.ovmf_variant = firmware_variant;
  TRY(put(work, "metadata.json", as_bytes(image::write_metadata(metadata))));
  std::vector<image::FileDigest> files;
  for (const char* name : {firmware_name, kernel_name, initramfs_name, "metadata.json"})
    files.push_back(
        {name, crypto::sha256(TRY(sys::read_file(work.image() / name, max_boot_file)))});
  const std::string manifest = image::write_manifest(files);
  TRY(put(work, "sha256sum.txt", as_bytes(manifest)));
  return put(work, "digest.txt", as_bytes(image::image_hash(manifest) + "\n"));
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
  TRY(copy(work, TRY(find_kernel(work.kernel())), kernel_name));
  TRY(copy(work, work.firmware() / "usr/share/ovmf/OVMF.fd", firmware_name));
  const std::uint32_t epoch = recipe.lock.epoch;
  const Bytes initramfs = TRY(make_initramfs(modules, options.init_program, epoch));
  TRY(put(work, initramfs_name, initramfs));
  watch.begin("root file system");
  const fs::path disk = work.image() / root_name;
  TRY(make_squashfs(work, disk, epoch));
  watch.begin("integrity tree and manifest");
  const SealedRoot root = TRY(seal_root_disk(disk).within("root disk"));
  return describe(options, recipe, root, work);
}

Status check_programs(const Options& options)
{
  for (const fs::path& program : {options.guest_program, options.init_program})
    TRY(sys::file_size(program).within("a program of the guest"));
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
  TRY(check_programs(options));
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
