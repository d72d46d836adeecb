#include "osbuild/verifier_bundle.hpp"

#include "archive/bundle.hpp"

namespace dstack::osbuild {

std::string bundle_name(const ImageInfo& image)
{
  return fmt::format("mr_{}.tar.gz", image.image_hash);
}

Status write_verifier_bundle(const ImageInfo& image, const fs::path& path)
{
  const std::string manifest =
      TRY(sys::read_text(image.directory / image::manifest_file, image::max_manifest));
  std::vector<std::string> names{std::string{image::manifest_file}};
  for (const image::FileDigest& file : TRY(image::parse_manifest(manifest)))
    if (file.name != image.metadata.rootfs) names.push_back(file.name);
  if (!image.metadata.bios_sev.empty()) names.push_back(image.metadata.bios_sev);
  std::map<std::string, archive::BundleEntry> entries;
  for (const std::string& name : names)
    entries[name].file = image.directory / name;
  entries[std::string{image::digest_file}].bytes = to_bytes(image.image_hash + "\n");
  return archive::write_bundle(path, entries, archive::Compression::gzip);
}

} // namespace dstack::osbuild
