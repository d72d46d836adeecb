#pragma once
/// OCI image specification 1.1: index, manifest, layout; and the docker v2 forms of the same.

#include "codec/json.hpp"

#include <variant>

namespace dstack::oci {

inline constexpr std::size_t max_manifest = std::size_t{4} << 20U;
inline constexpr std::size_t max_descriptors = 1000;
inline constexpr std::uint64_t max_blob = std::uint64_t{32} << 30U;

struct Descriptor {
  std::string media_type{};
  std::string digest{}; ///< "sha256:…"
  std::uint64_t size = 0;
  std::string os{};
  std::string architecture{};
  std::string reference_name{}; ///< annotation io.containerd.image.name, else image.ref.name
};

struct Manifest {
  Descriptor config{};
  std::vector<Descriptor> layers{};
};
struct Index {
  std::vector<Descriptor> manifests{};
};
using Document = std::variant<Manifest, Index>;

/// "sha256:" and the hash of the bytes.
std::string digest_of(ByteView bytes);
/// Errc::untrusted, naming what, when the bytes hash to something else.
Status check_digest(ByteView bytes, std::string_view digest, std::string_view what);

Result<Document> parse_document(ByteView bytes);
/// The one for linux/amd64; an index without it is Errc::unsupported and lists what there is.
Result<Descriptor> choose_platform(const Index& index);

/// Media types to accept when asking a registry for a manifest.
std::string accepted_types();

/// "sha256:ab…" -> "blobs/sha256/ab…" (OCI image layout).
std::string blob_path(std::string_view digest);

/// One image as docker load wants it in "manifest.json".
struct LoadableImage {
  std::string config_digest{};
  std::vector<std::string> layer_digests{};
  std::string repository_tag{}; ///< "hello:1", may be empty
};
std::string docker_load_manifest(const std::vector<LoadableImage>& images);

} // namespace dstack::oci
