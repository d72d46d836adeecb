#pragma once
/// An image of our own: one layer, for linux/amd64 (OCI image specification 1.1). The same input
/// gives the same bytes, hence the same digest.

#include "oci/manifest.hpp"

namespace dstack::oci {

struct OneLayerImage {
  std::string name{}; ///< "dstack-kms:0.1.0"
  std::vector<std::string> entrypoint{};
  std::string layer_digest{}; ///< of an uncompressed tar
  std::uint64_t layer_size = 0;
};

/// The JSON documents that make an image layout of it, beside "oci-layout" and the layer.
struct ImageDocuments {
  std::string config{};
  std::string manifest{}; ///< its digest is the image's
  std::string index{};    ///< index.json
};
ImageDocuments documents_of(const OneLayerImage& image);

/// The file "oci-layout".
inline constexpr std::string_view layout_marker = R"({"imageLayoutVersion":"1.0.0"})";

} // namespace dstack::oci
