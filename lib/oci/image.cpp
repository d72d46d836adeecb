#include "oci/image.hpp"

namespace dstack::oci {

using codec::Json;

namespace {

Json descriptor(std::string_view kind, std::string digest, std::uint64_t size)
{
  return Json{}
      .set("mediaType", fmt::format("application/vnd.oci.image.{}", kind))
      .set("digest", std::move(digest))
      .set("size", size);
}

Json descriptor(std::string_view kind, const std::string& document)
{
  return descriptor(kind, digest_of(as_bytes(document)), document.size());
}

Json list_of(Json one)
{
  Json out = Json::array();
  out.push(std::move(one));
  return out;
}

} // namespace

ImageDocuments documents_of(const OneLayerImage& image)
{
  Json entrypoint = Json::array();
  for (const std::string& word : image.entrypoint)
    entrypoint.push(word);
  ImageDocuments out;
  out.config = codec::write_json(
      Json{}
          .set("architecture", "amd64")
          .set("os", "linux")
          .set("config", Json{}.set("Entrypoint", std::move(entrypoint)))
          .set("rootfs",
               Json{}.set("type", "layers").set("diff_ids", list_of(Json{image.layer_digest}))));
  out.manifest = codec::write_json(
      Json{}
          .set("schemaVersion", 2)
          .set("mediaType", "application/vnd.oci.image.manifest.v1+json")
          .set("config", descriptor("config.v1+json", out.config))
          .set("layers",
               list_of(descriptor("layer.v1.tar", image.layer_digest, image.layer_size))));
  Json entry = descriptor("manifest.v1+json", out.manifest);
  entry.set("platform", Json{}.set("architecture", "amd64").set("os", "linux"))
      .set("annotations", Json{}.set("org.opencontainers.image.ref.name", image.name));
  out.index = codec::write_json(Json{}
                                    .set("schemaVersion", 2)
                                    .set("mediaType", "application/vnd.oci.image.index.v1+json")
                                    .set("manifests", list_of(std::move(entry))));
  return out;
}

} // namespace dstack::oci
