#include "guest/image_chain.hpp"

#include "oci/manifest.hpp"

#include <doctest/doctest.h>
#include <map>

namespace dstack::guest {

namespace {

/// A bundle's blobs in memory.
struct Blobs {
  std::map<std::string, std::string, std::less<>> entries{};

  std::string put(const std::string& text)
  {
    const std::string digest = oci::digest_of(as_bytes(text));
    entries[oci::blob_path(digest)] = text;
    return digest;
  }
  BlobSource source() const
  {
    return [this](std::string_view path, std::size_t max) -> Result<Bytes> {
      const auto at = entries.find(path);
      if (at == entries.end()) return fail(Errc::not_found, "no entry {}", path);
      if (at->second.size() > max) return fail(Errc::malformed, "too large");
      return to_bytes(at->second);
    };
  }
};

constexpr std::string_view config_type = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view manifest_type = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view index_type = "application/vnd.oci.image.index.v1+json";

std::string manifest(const std::string& config, std::size_t size)
{
  return fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{}","digest":"{}",)"
      R"("size":{}}},"layers":[]}})",
      manifest_type, config_type, config, size);
}

std::string index(const std::string& digest, std::size_t size, std::string_view architecture)
{
  return fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{}","digest":"{}",)"
      R"("size":{},"platform":{{"os":"linux","architecture":"{}"}}}}]}})",
      index_type, manifest_type, digest, size, architecture);
}

struct Image {
  Blobs blobs{};
  std::string config{};
  std::string manifest_digest{};
  std::string index_digest{};

  explicit Image(std::string_view architecture = "amd64")
  {
    const std::string text = R"({"architecture":"amd64","os":"linux"})";
    config = blobs.put(text);
    const std::string inner = manifest(config, text.size());
    manifest_digest = blobs.put(inner);
    index_digest = blobs.put(index(manifest_digest, inner.size(), architecture));
  }
};

} // namespace

TEST_SUITE("guest::image_id_of")
{
  TEST_CASE("a pinned index and a pinned manifest both lead to the configuration")
  {
    const Image image;
    for (const std::string& pinned : {image.index_digest, image.manifest_digest}) {
      const auto id = image_id_of(pinned, image.blobs.source());
      REQUIRE(id);
      CHECK(*id == image.config);
    }
  }

  TEST_CASE("a missing blob anywhere in the chain is named")
  {
    const Image whole;
    for (const std::string& digest : {whole.index_digest, whole.manifest_digest, whole.config}) {
      Image image;
      image.blobs.entries.erase(oci::blob_path(digest));
      const auto id = image_id_of(whole.index_digest, image.blobs.source());
      REQUIRE_FALSE(id);
      CHECK(id.error().code() == Errc::not_found);
      CHECK(id.error().message().find(digest) != std::string::npos);
    }
  }

  TEST_CASE("other bytes under the right name are refused")
  {
    const Image whole;
    for (const std::string& digest : {whole.index_digest, whole.manifest_digest, whole.config}) {
      Image image;
      image.blobs.entries[oci::blob_path(digest)] += " ";
      const auto id = image_id_of(whole.index_digest, image.blobs.source());
      REQUIRE_FALSE(id);
      CHECK(id.error().code() == Errc::untrusted);
    }
  }

  TEST_CASE("an index without our platform and an index inside an index are refused")
  {
    const Image other{"arm64"};
    CHECK_FALSE(image_id_of(other.index_digest, other.blobs.source()));
    Image nested;
    const std::string outer = nested.blobs.put(index(nested.index_digest, 1, "amd64"));
    CHECK_FALSE(image_id_of(outer, nested.blobs.source()));
  }
}

} // namespace dstack::guest
