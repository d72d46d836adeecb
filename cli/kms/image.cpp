#include "cli/kms/image.hpp"

#include "archive/bundle.hpp"
#include "oci/image.hpp"

namespace dstack::cli {

namespace {

using Entries = std::map<std::string, archive::BundleEntry>;

constexpr std::size_t max_layer = std::size_t{1} << 30U;
constexpr unsigned plain = 0644;
constexpr unsigned executable = 0755;

Result<Entries> layer_entries(const ImageFiles& files)
{
  Entries out;
  for (const auto& [target, source] : files) {
    for (sys::fs::path at = sys::fs::path{target}.parent_path(); !at.empty(); at = at.parent_path())
      out[at.string() + "/"] = {{}, {}, executable};
    std::error_code error;
    const sys::fs::perms mode = sys::fs::status(source, error).permissions();
    if (error) return fail(Errc::not_found, "{}: {}", source.string(), error.message());
    const bool runs = (mode & sys::fs::perms::owner_exec) != sys::fs::perms::none;
    out[target] = {{}, source, runs ? executable : plain};
  }
  return out;
}

archive::BundleEntry entry_of(std::string_view text)
{
  return {to_bytes(text), {}};
}

Status
write_layout(const sys::fs::path& out, const sys::fs::path& layer, const std::string& program)
{
  oci::OneLayerImage image;
  image.name = kms_image_name;
  image.entrypoint = {"/" + program, "--dir", kms_directory_inside};
  const Bytes bytes = TRY(sys::read_file(layer, max_layer));
  image.layer_digest = oci::digest_of(bytes);
  image.layer_size = bytes.size();
  const oci::ImageDocuments documents = oci::documents_of(image);
  Entries entries;
  entries["oci-layout"] = entry_of(oci::layout_marker);
  entries["index.json"] = entry_of(documents.index);
  for (const std::string& document : {documents.config, documents.manifest})
    entries[oci::blob_path(oci::digest_of(as_bytes(document)))] = entry_of(document);
  entries[oci::blob_path(image.layer_digest)] = {{}, layer};
  return archive::write_bundle(out, entries);
}

} // namespace

Status
write_kms_image(const sys::fs::path& out, const ImageFiles& files, const std::string& program)
{
  const sys::fs::path layer = out.string() + ".layer";
  TRY(archive::write_bundle(layer, TRY(layer_entries(files))));
  Status written = write_layout(out, layer, program);
  std::error_code ignored;
  sys::fs::remove(layer, ignored);
  return written;
}

} // namespace dstack::cli
