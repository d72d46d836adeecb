#include "cli/deploy/image_source.hpp"

#include "archive/layout.hpp"
#include "base/text.hpp"

namespace dstack::cli {

namespace {

class RegistrySource : public ImageSource {
public:
  RegistrySource(fetch::RegistryOptions options, sys::fs::path cache)
      : registry_(std::move(options)), cache_(std::move(cache))
  {
  }
  Result<fetch::ResolvedImage> describe(const oci::Reference& reference) override
  {
    return registry_.describe(reference);
  }
  Result<sys::fs::path> blob(const oci::Reference& reference, const oci::Descriptor& blob) override
  {
    TRY(sys::make_directories(cache_, sys::Privacy::owner_only));
    return registry_.pull_blob(reference, blob, cache_);
  }

private:
  fetch::Registry registry_;
  sys::fs::path cache_;
};

/// Same registry, repository and tag; digests are compared apart.
bool names_same(const oci::Reference& wanted, const std::string& name)
{
  auto here = oci::parse_reference(name);
  return here && here->registry == wanted.registry && here->repository == wanted.repository &&
         here->tag == wanted.tag;
}

/// A directory that goes when its last user goes.
struct Unpacked {
  sys::fs::path path;
  explicit Unpacked(sys::fs::path where) : path(std::move(where)) {}
  Unpacked(const Unpacked&) = delete;
  Unpacked& operator=(const Unpacked&) = delete;
  ~Unpacked() { static_cast<void>(sys::remove_tree(path)); }
};

class LayoutSource : public ImageSource {
public:
  LayoutSource(sys::fs::path directory, oci::Index index, std::unique_ptr<Unpacked> unpacked)
      : directory_(std::move(directory)), index_(std::move(index)), unpacked_(std::move(unpacked))
  {
  }

  Result<fetch::ResolvedImage> describe(const oci::Reference& reference) override
  {
    const oci::Descriptor found = TRY(find(reference));
    fetch::ResolvedImage out;
    out.digest = found.digest;
    Bytes bytes = TRY(document(found.digest));
    auto parsed = TRY(oci::parse_document(bytes).within("{}", found.digest));
    out.documents[found.digest] = std::move(bytes);
    out.manifest_digest = found.digest;
    if (const auto* index = std::get_if<oci::Index>(&parsed)) {
      out.manifest_digest = TRY(oci::choose_platform(*index)).digest;
      bytes = TRY(document(out.manifest_digest));
      parsed = TRY(oci::parse_document(bytes).within("{}", out.manifest_digest));
      out.documents[out.manifest_digest] = std::move(bytes);
    }
    const auto* manifest = std::get_if<oci::Manifest>(&parsed);
    if (manifest == nullptr)
      return fail(Errc::unsupported, "{} is an index in an index", found.digest);
    out.manifest = *manifest;
    return out;
  }

  Result<sys::fs::path> blob(const oci::Reference& reference, const oci::Descriptor& blob) override
  {
    static_cast<void>(reference);
    const sys::fs::path path = directory_ / oci::blob_path(blob.digest);
    const std::uint64_t size = TRY(sys::file_size(path).within("OCI layout"));
    if (size != blob.size)
      return fail(Errc::untrusted, "{} has {} bytes (the manifest says {})", path.string(), size,
                  blob.size);
    return path;
  }

private:
  Result<oci::Descriptor> find(const oci::Reference& reference) const
  {
    std::vector<std::string> known;
    for (const oci::Descriptor& one : index_.manifests) {
      const bool digest_fits = reference.digest.empty() || one.digest == reference.digest;
      const bool name_fits = names_same(reference, one.reference_name) || !reference.digest.empty();
      if (digest_fits && name_fits) return one;
      known.push_back(printable(one.reference_name.empty() ? one.digest : one.reference_name));
    }
    return fail(Errc::not_found, "{} does not hold {}\nit holds {}", directory_.string(),
                reference.canonical(), known.empty() ? "no image" : join(known, ", "));
  }

  Result<Bytes> document(const std::string& digest) const
  {
    const sys::fs::path path = directory_ / oci::blob_path(digest);
    Bytes bytes = TRY(sys::read_file(path, oci::max_manifest).within("OCI layout"));
    TRY(oci::check_digest(bytes, digest, path.string()));
    return bytes;
  }

  sys::fs::path directory_;
  oci::Index index_;
  std::unique_ptr<Unpacked> unpacked_; ///< null when the layout is a directory of the user
};

Result<std::unique_ptr<Unpacked>> unpack(const sys::fs::path& file)
{
  const sys::Fd fd = TRY(sys::open_read(file));
  auto out = std::make_unique<Unpacked>(
      TRY(sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-images")));
  TRY(archive::unpack_layout(fd.get(), out->path).within("{}", file.string()));
  return out;
}

} // namespace

Result<std::unique_ptr<ImageSource>> layout_source(const sys::fs::path& where)
{
  std::error_code ignored;
  std::unique_ptr<Unpacked> unpacked;
  if (sys::fs::is_regular_file(where, ignored)) unpacked = TRY(unpack(where));
  const sys::fs::path directory = unpacked ? unpacked->path : where;
  const sys::fs::path path = directory / "index.json";
  const auto bytes = sys::read_file(path, oci::max_manifest);
  if (!bytes && bytes.error().code() == Errc::not_found)
    return fail(Errc::not_found, "{} is no OCI image layout: it has no index.json", where.string());
  if (!bytes) return bytes.error();
  const auto parsed = TRY(oci::parse_document(*bytes).within("{}", path.string()));
  const auto* index = std::get_if<oci::Index>(&parsed);
  if (index == nullptr) return fail(Errc::malformed, "{}: not an image index", path.string());
  return std::unique_ptr<ImageSource>{
      std::make_unique<LayoutSource>(directory, *index, std::move(unpacked))};
}

std::unique_ptr<ImageSource> registry_source(fetch::RegistryOptions options,
                                             const sys::fs::path& cache)
{
  return std::make_unique<RegistrySource>(std::move(options), cache);
}

} // namespace dstack::cli
