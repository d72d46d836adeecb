#include "guest/image_chain.hpp"

#include "oci/manifest.hpp"

namespace dstack::guest {

namespace {

constexpr std::size_t max_config = std::size_t{8} << 20U;

Result<Bytes> checked_blob(std::string_view digest,
                           std::size_t max,
                           std::string_view what,
                           const BlobSource& blobs)
{
  Bytes bytes = TRY(blobs(oci::blob_path(digest), max).within("{} {}", what, digest));
  TRY(oci::check_digest(bytes, digest, what));
  return bytes;
}

} // namespace

Result<std::string> image_id_of(std::string_view pinned_digest, const BlobSource& blobs)
{
  const Bytes pinned = TRY(checked_blob(pinned_digest, oci::max_manifest, "pinned image", blobs));
  oci::Document document = TRY(oci::parse_document(pinned));
  if (const auto* index = std::get_if<oci::Index>(&document)) {
    const oci::Descriptor chosen = TRY(oci::choose_platform(*index));
    const Bytes manifest = TRY(checked_blob(chosen.digest, oci::max_manifest, "manifest", blobs));
    document = TRY(oci::parse_document(manifest));
  }
  const auto* manifest = std::get_if<oci::Manifest>(&document);
  if (manifest == nullptr) return fail(Errc::unsupported, "an index inside an index");
  TRY(checked_blob(manifest->config.digest, max_config, "image configuration", blobs));
  return manifest->config.digest;
}

} // namespace dstack::guest
