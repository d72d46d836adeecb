#include "archive/deb.hpp"
#include "image/cpio.hpp"
#include "osbuild/build_steps.hpp"
#include "osbuild/modules.hpp"
#include "osbuild/root_disk.hpp"

namespace dstack::osbuild {

namespace {

constexpr std::size_t max_own_file = std::size_t{64} << 20U;
constexpr std::size_t max_module = std::size_t{32} << 20U;
constexpr const char* guest_program_path = "usr/lib/dstack/dstack-guest";

/// Version of the one kernel unpacked.
Result<std::string> kernel_version(const fs::path& kernel)
{
  std::error_code error;
  std::string found;
  for (const auto& entry : fs::directory_iterator{kernel / "usr/lib/modules", error}) {
    if (!found.empty()) return fail(Errc::config, "the lock names two kernels");
    found = entry.path().filename().string();
  }
  if (found.empty()) return fail(Errc::config, "the lock names no kernel");
  return found;
}

/// depmod looks below lib/modules; the directory is a merged /usr. What it writes has the modes of
/// our umask, which may not show in the image.
Status index_modules(const Workplace& work, const fs::path& root, const std::string& version)
{
  TRY(Tools{work.tools()}.run("usr/sbin/depmod", {"-b", root.string(), version}));
  constexpr auto mode = fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read |
                        fs::perms::others_read;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{root / "usr/lib/modules" / version, error})
    if (entry.is_regular_file(error)) fs::permissions(entry.path(), mode, error);
  if (error) return fail(Errc::io, "modes of the module index: {}", error.message());
  return ok();
}

Status copy_tree(const fs::path& from, const fs::path& root)
{
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator{from, error}) {
    const std::string path = entry.path().lexically_relative(from).string();
    if (entry.is_directory()) {
      TRY(make_directory(root, path, 0755));
      continue;
    }
    fs::remove(root / path, error);
    const unsigned mode = path == "etc/shadow" ? 0600 : 0644;
    TRY(write_file(root / path, TRY(sys::read_file(entry.path(), max_own_file)), mode));
  }
  if (error) return fail(Errc::io, "{}: {}", from.string(), error.message());
  return ok();
}

/// "kernel/fs/fat/vfat.ko.xz" -> "kernel/fs/fat/vfat.ko"
std::string without_compression(const std::string& path)
{
  return path.substr(0, path.rfind(".ko") + 3);
}

} // namespace

Status add_own_files(const Recipe& recipe, const fs::path& guest_program, const Workplace& work)
{
  TRY(copy_tree(recipe.overlay, work.root()));
  const std::string directory = fs::path{guest_program_path}.parent_path().string();
  TRY(make_directory(work.root(), directory, 0755));
  const Bytes program = TRY(sys::read_file(guest_program, max_own_file));
  return write_file(work.root() / guest_program_path, program, 0755);
}

Result<std::vector<ModuleFile>> add_modules(const Recipe& recipe, const Workplace& work)
{
  const std::string version = TRY(kernel_version(work.kernel()));
  Unpacked merged_usr;
  merged_usr.symlinks["lib"] = "usr/lib";
  TRY(finish_links(merged_usr, work.kernel()));
  TRY(index_modules(work, work.kernel(), version));
  const fs::path from = work.kernel() / "usr/lib/modules" / version;
  const std::string to = "usr/lib/modules/" + version;
  const std::string index = TRY(sys::read_text(from / "modules.dep", max_own_file));
  const Modules modules = TRY(parse_modules_dep(index).within("modules.dep"));
  const Selection chosen = TRY(select_modules(recipe.modules, modules).within("modules.list"));

  std::map<std::string, Bytes> contents;
  for (const std::string& name : chosen.all) {
    const std::string& path = modules.at(name).path;
    const Bytes packed = TRY(sys::read_file(from / path, max_module));
    Bytes plain = TRY(archive::decompress(packed, max_module).within("{}", path));
    const fs::path target = fs::path{to} / without_compression(path);
    TRY(make_directory(work.root(), target.parent_path().string(), 0755));
    TRY(write_file(work.root() / target, plain, 0644));
    contents[name] = std::move(plain);
  }
  TRY(index_modules(work, work.root(), version));
  std::vector<ModuleFile> out;
  for (const std::string& name : chosen.load_order)
    out.push_back({name, std::move(contents[name])});
  return out;
}

Result<Bytes> make_initramfs(const std::vector<ModuleFile>& modules,
                             const fs::path& init_program,
                             std::uint32_t epoch)
{
  image::CpioBuilder archive{epoch};
  for (const char* directory : {"dev", "proc", "sys", "run", "newroot"})
    TRY(archive.directory(directory, 0755));
  TRY(archive.character_device("dev/console", 0600, 5, 1));
  TRY(archive.file("init", 0755, TRY(sys::read_file(init_program, max_own_file))));
  std::string order;
  for (const ModuleFile& module : modules) {
    order += module.name + ".ko\n";
    TRY(archive.file("lib/modules/" + module.name + ".ko", 0644, module.content));
  }
  TRY(archive.file("lib/modules/order", 0644, to_bytes(order)));
  return archive.finish();
}

Status make_squashfs(const Workplace& work, const fs::path& file, std::uint32_t epoch)
{
  const std::string time = std::to_string(epoch);
  return Tools{work.tools()}.run("usr/bin/mksquashfs", {work.root().string(),
                                                        file.string(),
                                                        "-offset",
                                                        std::to_string(root_partition_offset),
                                                        "-quiet",
                                                        "-no-progress",
                                                        "-noappend",
                                                        "-all-root",
                                                        "-no-xattrs",
                                                        "-no-exports",
                                                        "-reproducible",
                                                        "-comp",
                                                        "zstd",
                                                        "-Xcompression-level",
                                                        "9",
                                                        "-b",
                                                        "131072",
                                                        "-mkfs-time",
                                                        time,
                                                        "-all-time",
                                                        time});
}

} // namespace dstack::osbuild
