#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "measure/documents.hpp"
#include "osbuild/image_info.hpp"
#include "osbuild/measurement.hpp"
#include "osbuild/root_disk.hpp"

#include <algorithm>

namespace dstack::osbuild {

namespace {

constexpr std::size_t hashed_at_once = std::size_t{1} << 20U;
constexpr std::size_t max_digest = 128;

Result<std::string> read_named(const fs::path& directory, std::string_view name, std::size_t max)
{
  return sys::read_text(directory / name, max).within("{}", name);
}

Result<crypto::Sha256Digest> hash_file(const fs::path& path)
{
  const sys::Fd fd = TRY(sys::open_read(path));
  crypto::Sha256 hasher;
  while (true) {
    const Bytes data = TRY(sys::read_some(fd.get(), hashed_at_once));
    if (data.empty()) return hasher.finish();
    hasher.update(data);
  }
}

/// A file of the image is a regular file right in its directory: links could lead anywhere.
Status check_plain(const fs::path& directory, const std::string& name)
{
  std::error_code error;
  const fs::file_status status = fs::symlink_status(directory / name, error);
  if (!fs::exists(status)) return fail(Errc::untrusted, "{} is missing", name);
  if (!fs::is_regular_file(status)) return fail(Errc::untrusted, "{} is not a file", name);
  return ok();
}

Result<std::vector<image::FileDigest>> check_manifest(const fs::path& directory)
{
  const std::string text = TRY(read_named(directory, image::manifest_file, image::max_manifest));
  if (fs::exists(directory / image::digest_file)) {
    const std::string digest = TRY(read_named(directory, image::digest_file, max_digest));
    if (trim(digest) != image::image_hash(text))
      return fail(Errc::untrusted, "{}: {} hashes to {}, not {}", image::digest_file,
                  image::manifest_file, image::image_hash(text), printable(trim(digest)));
  }
  auto files = TRY(image::parse_manifest(text).within("{}", image::manifest_file));
  for (const image::FileDigest& file : files) {
    TRY(check_plain(directory, file.name));
    const auto found = TRY(hash_file(directory / file.name).within("{}", file.name));
    if (found != file.sha256)
      return fail(Errc::untrusted, "{} has SHA-256 {}, {} says {}", file.name, hex(found),
                  image::manifest_file, hex(file.sha256));
  }
  return files;
}

/// What boots before the root file system is open must be covered by the image hash, and so must
/// what others measure the image by.
Status check_covered(const fs::path& directory,
                     const std::vector<image::FileDigest>& files,
                     const image::Metadata& metadata)
{
  std::vector<std::string> covered{std::string{image::metadata_file}, metadata.bios,
                                   metadata.kernel, metadata.initrd};
  for (const std::string_view document : {measure::tdx_document_file, measure::snp_document_file,
                                          measure::gcp_document_file, measure::aws_document_file})
    if (fs::exists(directory / document)) covered.emplace_back(document);
  if (!metadata.bios_sev.empty()) covered.emplace_back(measure::snp_document_file);
  for (const std::string& name : covered) {
    const auto same = [&](const image::FileDigest& file) { return file.name == name; };
    if (std::none_of(files.begin(), files.end(), same))
      return fail(Errc::untrusted, "{} is not listed in {}", name, image::manifest_file);
  }
  return ok();
}

std::uint64_t total_size(const fs::path& directory)
{
  std::uint64_t total = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory, error})
    if (entry.is_regular_file(error)) total += entry.file_size(error);
  return total;
}

} // namespace

Result<ImageInfo> describe_image(const fs::path& directory)
{
  ImageInfo out;
  out.directory = directory;
  const std::string name = fs::absolute(directory).lexically_normal().filename().string();
  const std::string text = TRY(read_named(directory, image::metadata_file, image::max_metadata));
  out.metadata = TRY(image::parse_metadata(text, name).within("{}", image::metadata_file));
  const std::string manifest =
      TRY(read_named(directory, image::manifest_file, image::max_manifest));
  out.image_hash = image::image_hash(manifest);
  const auto root = TRY(image::root_parameters(out.metadata.cmdline).within("cmdline"));
  out.root_hash = hex(root.hash);
  out.size_bytes = total_size(directory);
  return out;
}

Result<ImageInfo> verify_image(const fs::path& directory)
{
  const auto files = TRY(check_manifest(directory));
  ImageInfo out = TRY(describe_image(directory));
  TRY(check_covered(directory, files, out.metadata));
  if (!out.metadata.bios_sev.empty()) {
    TRY(check_plain(directory, out.metadata.bios_sev));
    TRY(check_sev_firmware(directory, out.metadata));
  }
  TRY(check_plain(directory, out.metadata.rootfs));
  const auto root = TRY(image::root_parameters(out.metadata.cmdline));
  TRY(check_root_disk(directory / out.metadata.rootfs, root).within("{}", out.metadata.rootfs));
  return out;
}

} // namespace dstack::osbuild
