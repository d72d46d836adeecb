#pragma once
/// Where container images come from: a registry, an OCI layout on disk, or a bundle.

#include "archive/bundle.hpp"
#include "fetch/registry.hpp"

#include <memory>

namespace dstack::cli {

class ImageSource {
public:
  virtual ~ImageSource() = default;
  /// What the reference means here: digest, linux/amd64 manifest and their bytes, all checked.
  virtual Result<fetch::ResolvedImage> describe(const oci::Reference& reference) = 0;
  /// A file with the blob's bytes. Of a layout they are not hashed here: the packed bundle is.
  virtual Result<sys::fs::path> blob(const oci::Reference& reference,
                                     const oci::Descriptor& blob) = 0;
};

/// where: an OCI image layout, a directory or one tar file of it; images are found by their names'
/// annotation.
Result<std::unique_ptr<ImageSource>> layout_source(const sys::fs::path& where);
/// Blobs are kept in the cache directory.
std::unique_ptr<ImageSource> registry_source(fetch::RegistryOptions options,
                                             const sys::fs::path& cache);

} // namespace dstack::cli
