// Resolves and pulls one image into a directory and prints what it got, or {"code","message"}.
// Usage: registry_pull REFERENCE DIRECTORY [MIRROR]
#include "fetch/registry.hpp"

#include <cstdio>

namespace dstack {
namespace {

Result<codec::Json>
pull(const std::string& text, const sys::fs::path& to, const std::string& mirror)
{
  fetch::Registry registry{fetch::RegistryOptions{mirror, {}}};
  const oci::Reference reference = TRY(oci::parse_reference(text));
  const auto image = TRY(registry.describe(reference));
  codec::Json blobs = codec::Json::array();
  std::vector<oci::Descriptor> wanted = image.manifest.layers;
  wanted.push_back(image.manifest.config);
  for (const auto& blob : wanted)
    blobs.push(TRY(registry.pull_blob(reference, blob, to)).filename().string());
  return codec::Json{}
      .set("digest", image.digest)
      .set("manifest_digest", image.manifest_digest)
      .set("blobs", std::move(blobs));
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  using dstack::codec::Json;
  if (argc < 3) return 2;
  const auto got = dstack::pull(argv[1], argv[2], argc > 3 ? argv[3] : "");
  const Json out = got ? *got
                       : Json{}
                             .set("code", dstack::name_of(got.error().code()))
                             .set("message", got.error().message());
  std::puts(dstack::codec::write_json(out).c_str());
  return 0;
}
