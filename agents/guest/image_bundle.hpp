#pragma once
/// Container images that came with the VM: a tar on the disk with the serial "dstack-images". Every
/// image is followed from the digest the measured compose file pins, through index and manifest, to
/// the configuration whose digest is docker's image id; docker checks the layers against that.

#include "compose/app_compose.hpp"
#include "guest/engine.hpp"

namespace dstack::guest {

struct ImageBundle {
  sys::fs::path device;
  std::uint64_t size_bytes = 0;                        ///< of the tar
  std::map<std::string, std::string> image_of_service; ///< service -> image id "sha256:…"
};

/// Finds the disk and checks the chain of each image the app starts.
Result<ImageBundle> open_image_bundle(const compose::AppCompose& app);

/// Hands the tar to dockerd, unless it has every image already from an earlier boot.
Status load_bundle(Engine& engine, const ImageBundle& bundle);

} // namespace dstack::guest
