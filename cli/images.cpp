#include "cli/images.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <system_error>

namespace dstack::cli {

namespace {

constexpr std::size_t max_record = std::size_t{64} << 10U;

bool is_image(const sys::fs::path& directory)
{
  std::error_code code;
  return sys::fs::is_regular_file(directory / image::metadata_file, code);
}

/// One line for each file with everything that changes when its content does.
Result<std::string> fingerprint(const sys::fs::path& directory)
{
  std::vector<std::string> lines;
  std::error_code code;
  for (const auto& entry : sys::fs::directory_iterator{directory, code}) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) != 0)
      return sys::errno_error(fmt::format("stat {}", entry.path().string()));
    lines.push_back(fmt::format("{} {} {} {}.{:09} {}.{:09}", entry.path().filename().string(),
                                info.st_size, info.st_ino, info.st_mtim.tv_sec,
                                info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec));
  }
  if (code) return fail(Errc::io, "read {}: {}", directory.string(), code.message());
  std::sort(lines.begin(), lines.end());
  return join(lines, "\n");
}

sys::fs::path record_path(const Context& ctx, const sys::fs::path& directory)
{
  std::string name = sys::fs::absolute(directory).lexically_normal().string();
  std::replace(name.begin(), name.end(), '/', '%');
  return ctx.dirs().cache / "verified" / name;
}

} // namespace

std::vector<std::string> image_names(const Context& ctx)
{
  std::vector<std::string> out;
  std::error_code code;
  for (const auto& entry : sys::fs::directory_iterator{ctx.images_dir(), code})
    if (is_image(entry.path())) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

Result<sys::fs::path> find_image(const Context& ctx, std::string_view word)
{
  if (word.find('/') != std::string_view::npos || word == "." || word == "..") {
    const sys::fs::path path = sys::fs::path{word}.lexically_normal();
    std::error_code code;
    if (!sys::fs::is_directory(path, code))
      return fail(Errc::not_found, "there is no image directory {}", path.string());
    return path;
  }
  const std::vector<std::string> names = image_names(ctx);
  if (std::find(names.begin(), names.end(), word) != names.end())
    return ctx.images_dir() / std::string{word};
  std::error_code code;
  if (image::check_name(word) && sys::fs::is_directory(ctx.images_dir() / std::string{word}, code))
    return ctx.images_dir() / std::string{word}; // damaged, which verify explains better
  const auto close = nearest(word, names);
  return fail(Errc::not_found, "there is no image '{}'\n{}", word,
              close           ? fmt::format("did you mean '{}'?", *close)
              : names.empty() ? "'dstack os build' makes one"
                              : "'dstack os list' shows what there is");
}

Result<sys::fs::path> image_or_newest(const Context& ctx, std::string_view word)
{
  if (!word.empty()) return find_image(ctx, word);
  const std::vector<std::string> names = image_names(ctx);
  if (names.empty())
    return fail(Errc::not_found, "there is no guest OS image yet\n'dstack os build' makes one");
  const auto built_at = [&](const std::string& name) {
    std::error_code code;
    return sys::fs::last_write_time(ctx.images_dir() / name / image::digest_file, code);
  };
  return ctx.images_dir() / *std::max_element(names.begin(), names.end(),
                                              [&](const std::string& a, const std::string& b) {
                                                return built_at(a) < built_at(b);
                                              });
}

codec::Json image_json(const osbuild::ImageInfo& info)
{
  codec::Json out = codec::Json::object();
  out.set("name", info.directory.filename().string())
      .set("directory", info.directory.string())
      .set("version", info.metadata.version)
      .set("os_image_hash", info.image_hash)
      .set("rootfs_hash", info.root_hash)
      .set("git_revision", info.metadata.git_revision)
      .set("cmdline", info.metadata.cmdline)
      .set("is_dev", info.metadata.is_dev)
      .set("size_bytes", info.size_bytes);
  return out;
}

Result<osbuild::ImageInfo> verify_image_cached(const Context& ctx, const sys::fs::path& directory)
{
  const sys::fs::path record = record_path(ctx, directory);
  const std::string before = TRY(fingerprint(directory));
  const auto known = sys::read_text(record, max_record);
  if (known && *known == before) return osbuild::describe_image(directory);
  auto verified = TRY(osbuild::verify_image(directory));
  // Only a help for the next time: a cache that cannot be written is no failure.
  if (sys::make_directories(record.parent_path(), sys::Privacy::owner_only))
    static_cast<void>(sys::write_file_atomic(record, as_bytes(before), sys::Privacy::owner_only));
  return verified;
}

std::vector<Candidate> image_candidates(Context& ctx)
{
  std::vector<Candidate> out;
  for (const std::string& name : image_names(ctx))
    out.push_back({name, "guest OS image"});
  return out;
}

} // namespace dstack::cli
