#include "cli/deploy/app.hpp"

#include "base/text.hpp"

namespace dstack::cli {

namespace {

using codec::Json;
using Entries = std::map<std::string, archive::BundleEntry>;

constexpr std::string_view index_type = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view manifest_type = "application/vnd.oci.image.manifest.v1+json";

archive::BundleEntry text_entry(std::string_view text)
{
  return {to_bytes(text), {}};
}

std::string media_type_of(ByteView document)
{
  const auto json = codec::parse_json(as_text(document));
  if (json) {
    const auto type = json->get_string("mediaType", "");
    if (type && !type->empty()) return *type;
    if (json->find("manifests") != nullptr) return std::string{index_type};
  }
  return std::string{manifest_type};
}

/// The image's documents, configuration and layers.
Status add_blobs(Entries& entries, const App& app, const AppImage& image)
{
  for (const auto& [digest, bytes] : image.resolved.documents)
    entries[oci::blob_path(digest)] = {bytes, {}};
  std::vector<oci::Descriptor> blobs = image.resolved.manifest.layers;
  blobs.push_back(image.resolved.manifest.config);
  for (const oci::Descriptor& blob : blobs) {
    const std::string name = oci::blob_path(blob.digest);
    if (entries.contains(name)) continue;
    entries[name] = {
        {}, TRY(app.image_source->blob(image.parsed, blob).within("image '{}'", image.reference))};
  }
  return ok();
}

Json index_entry(const AppImage& image)
{
  const Bytes& document = image.resolved.documents.at(image.resolved.digest);
  return Json::object()
      .set("mediaType", media_type_of(document))
      .set("digest", image.resolved.digest)
      .set("size", static_cast<std::uint64_t>(document.size()))
      .set("annotations", Json::object().set("org.opencontainers.image.ref.name", image.reference));
}

oci::LoadableImage loadable(const AppImage& image)
{
  oci::LoadableImage out;
  out.config_digest = image.resolved.manifest.config.digest;
  for (const oci::Descriptor& layer : image.resolved.manifest.layers)
    out.layer_digests.push_back(layer.digest);
  out.repository_tag = image.reference.substr(0, image.reference.find('@'));
  return out;
}

} // namespace

std::uint64_t bundle_size(const App& app)
{
  std::uint64_t out = app.bytes.size();
  for (const AppImage& image : app.images) {
    out += image.resolved.manifest.config.size;
    for (const oci::Descriptor& layer : image.resolved.manifest.layers)
      out += layer.size;
  }
  return out;
}

Status write_app_bundle(const App& app, const sys::fs::path& path)
{
  Entries entries;
  archive::BundleInfo info{app.parsed.name, app.app_id, app.compose_hash, {}};
  Json index = Json::array();
  std::vector<oci::LoadableImage> loadables;
  for (const AppImage& image : app.images) {
    TRY(add_blobs(entries, app, image));
    index.push(index_entry(image));
    loadables.push_back(loadable(image));
    info.images.push_back({image.reference, image.resolved.digest, image.resolved.manifest_digest,
                           image.resolved.manifest.config.digest});
  }
  entries[std::string{archive::app_compose_name}] = text_entry(app.bytes);
  entries[std::string{archive::bundle_info_name}] =
      text_entry(codec::write_json(archive::to_json(info)));
  if (!app.images.empty()) {
    entries["oci-layout"] = text_entry(R"({"imageLayoutVersion":"1.0.0"})");
    entries["index.json"] = text_entry(codec::write_json(Json::object()
                                                             .set("schemaVersion", 2)
                                                             .set("mediaType", index_type)
                                                             .set("manifests", index)));
    entries["manifest.json"] = text_entry(oci::docker_load_manifest(loadables));
  }
  TRY(archive::write_bundle(path, entries));
  const sys::Fd fd = TRY(sys::open_read(path));
  const auto written = TRY(archive::BundleReader::open(fd.get()));
  return archive::verify_blobs(written).within("image layout");
}

} // namespace dstack::cli
