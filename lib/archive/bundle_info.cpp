#include "archive/bundle.hpp"

namespace dstack::archive {

using codec::Json;

namespace {

constexpr std::string_view schema = "dstack.bundle/1";
constexpr std::size_t max_images = 1000;

Result<BundleImage> image_from_json(const Json& json)
{
  BundleImage out;
  out.reference = TRY(json.need_string("reference"));
  out.digest = TRY(json.need_string("digest"));
  out.manifest_digest = TRY(json.need_string("manifest_digest"));
  out.image_id = TRY(json.need_string("image_id"));
  return out;
}

} // namespace

Json to_json(const BundleInfo& info)
{
  Json images = Json::array();
  for (const BundleImage& image : info.images)
    images.push(Json{}
                    .set("reference", image.reference)
                    .set("digest", image.digest)
                    .set("manifest_digest", image.manifest_digest)
                    .set("image_id", image.image_id));
  return Json{}
      .set("schema", schema)
      .set("name", info.name)
      .set("app_id", info.app_id)
      .set("compose_hash", info.compose_hash)
      .set("images", std::move(images));
}

Result<BundleInfo> bundle_info_from_json(const Json& json)
{
  const std::string have = TRY(json.need_string("schema"));
  if (have != schema) return fail(Errc::unsupported, "schema '{}' (want {})", have, schema);
  BundleInfo out;
  out.name = TRY(json.need_string("name"));
  out.app_id = TRY(json.need_string("app_id"));
  out.compose_hash = TRY(json.need_string("compose_hash"));
  const Json* images = TRY(json.need_array("images"));
  if (images->items().size() > max_images)
    return fail(Errc::malformed, "{} images (limit {})", images->items().size(), max_images);
  for (const Json& image : images->items())
    out.images.push_back(TRY(image_from_json(image).within("image {}", out.images.size())));
  return out;
}

} // namespace dstack::archive
