#include "oci/manifest.hpp"

#include "base/text.hpp"
#include "codec/json_list.hpp"
#include "crypto/hash.hpp"
#include "oci/reference.hpp"

#include <algorithm>
#include <array>

namespace dstack::oci {

using codec::Json;

namespace {

constexpr std::array media_types{"application/vnd.oci.image.index.v1+json",
                                 "application/vnd.oci.image.manifest.v1+json",
                                 "application/vnd.docker.distribution.manifest.list.v2+json",
                                 "application/vnd.docker.distribution.manifest.v2+json"};

Result<Descriptor> parse_descriptor(const Json& json)
{
  Descriptor out;
  out.media_type = TRY(json.get_string("mediaType", ""));
  out.digest = TRY(json.need_string("digest"));
  if (!is_digest(out.digest))
    return fail(Errc::malformed, "digest '{}' is not sha256", printable(out.digest));
  out.size = TRY(json.need_u64("size"));
  if (out.size > max_blob) return fail(Errc::malformed, "a blob of {} bytes", out.size);
  if (const Json* platform = json.find("platform"); platform != nullptr && platform->is_object()) {
    out.os = TRY(platform->get_string("os", ""));
    out.architecture = TRY(platform->get_string("architecture", ""));
  }
  const Json* notes = json.find("annotations");
  if (notes == nullptr || !notes->is_object()) return out;
  // docker and buildx write the whole name here, and only the tag in the standard annotation.
  out.reference_name = TRY(notes->get_string("io.containerd.image.name", ""));
  if (out.reference_name.empty())
    out.reference_name = TRY(notes->get_string("org.opencontainers.image.ref.name", ""));
  return out;
}

Result<std::vector<Descriptor>> parse_descriptors(const Json& json, std::string_view key)
{
  const Json* list = TRY(json.need_array(key));
  if (list->items().size() > max_descriptors)
    return fail(Errc::malformed, "'{}' has {} entries (limit {})", key, list->items().size(),
                max_descriptors);
  std::vector<Descriptor> out;
  for (const Json& item : list->items())
    out.push_back(TRY(parse_descriptor(item).within("'{}' entry {}", key, out.size())));
  return out;
}

} // namespace

std::string digest_of(ByteView bytes)
{
  return "sha256:" + hex(crypto::sha256(bytes));
}

Status check_digest(ByteView bytes, std::string_view digest, std::string_view what)
{
  const std::string have = digest_of(bytes);
  if (have != digest)
    return fail(Errc::untrusted, "{}: the bytes hash to {}, not to the {} asked for", what, have,
                digest);
  return ok();
}

Result<Document> parse_document(ByteView bytes)
{
  const Json json =
      TRY(codec::parse_json(as_text(bytes), {.max_bytes = max_manifest}).within("image manifest"));
  if (TRY(json.get_u64("schemaVersion", 0)) != 2)
    return fail(Errc::unsupported, "image manifest: schemaVersion is not 2");
  if (json.find("manifests") != nullptr) {
    Index out;
    out.manifests = TRY(parse_descriptors(json, "manifests").within("image index"));
    return Document{std::move(out)};
  }
  Manifest out;
  const Json* config = TRY(json.need_object("config").within("image manifest"));
  out.config = TRY(parse_descriptor(*config).within("image manifest: 'config'"));
  out.layers = TRY(parse_descriptors(json, "layers").within("image manifest"));
  return Document{std::move(out)};
}

Result<Descriptor> choose_platform(const Index& index)
{
  std::vector<std::string> seen;
  for (const Descriptor& one : index.manifests) {
    if (one.os == "linux" && one.architecture == "amd64") return one;
    seen.push_back(printable(fmt::format("{}/{}", one.os, one.architecture)));
  }
  // A layout made for one image often names no platform at all.
  if (index.manifests.size() == 1 && index.manifests[0].os.empty()) return index.manifests[0];
  return fail(Errc::unsupported, "the image has no linux/amd64 variant (it has {})",
              seen.empty() ? "none" : join(seen, ", "));
}

std::string accepted_types()
{
  return join({media_types.begin(), media_types.end()}, ", ");
}

std::string blob_path(std::string_view digest)
{
  DSTACK_ASSERT(is_digest(digest));
  return fmt::format("blobs/sha256/{}", digest.substr(digest.find(':') + 1));
}

std::string docker_load_manifest(const std::vector<LoadableImage>& images)
{
  Json out = Json::array();
  for (const LoadableImage& image : images) {
    Json tags = Json::array();
    if (!image.repository_tag.empty()) tags.push(image.repository_tag);
    out.push(Json{}
                 .set("Config", blob_path(image.config_digest))
                 .set("RepoTags", std::move(tags))
                 .set("Layers", codec::list_of(image.layer_digests, blob_path)));
  }
  return codec::write_json(out);
}

} // namespace dstack::oci
