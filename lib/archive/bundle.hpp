#pragma once
/// App bundles: one tar file (ustar) with the app-compose, what it is about, and optionally its
/// images as an OCI layout that `docker load` accepts too. The same input gives the same bytes.
///
///   app-compose.json      the measured bytes
///   dstack-bundle.json    {"schema":"dstack.bundle/1","name","app_id","compose_hash","images":[…]}
///   oci-layout index.json manifest.json blobs/sha256/…   when images are inside

#include "codec/json.hpp"
#include "sys/files.hpp"

#include <map>

namespace dstack::archive {

inline constexpr std::size_t max_bundle_entries = 10'000;
inline constexpr std::uint64_t max_bundle_bytes = std::uint64_t{64} << 30U;
inline constexpr std::string_view app_compose_name = "app-compose.json";
inline constexpr std::string_view bundle_info_name = "dstack-bundle.json";

/// One image of the bundle.
struct BundleImage {
  std::string reference{};       ///< as the compose file spells it, pinned
  std::string digest{};          ///< the pinned one: of the index or the manifest
  std::string manifest_digest{}; ///< of the linux/amd64 manifest
  std::string image_id{};        ///< digest of its config: docker's image id
};

struct BundleInfo {
  std::string name{};
  std::string app_id{};
  std::string compose_hash{};
  std::vector<BundleImage> images{};
};

codec::Json to_json(const BundleInfo& info);
Result<BundleInfo> bundle_info_from_json(const codec::Json& json);

/// Content of one entry: bytes, or a file to copy.
struct BundleEntry {
  Bytes bytes{};
  sys::fs::path file{}; ///< used when not empty
  unsigned permissions = 0644;
};

enum class Compression { none, gzip };

/// Writes the entries, sorted by name, without times or owners, to a temporary file and renames it
/// to path. A name that ends with "/" is a directory: bundles have none, layers of images do. gzip
/// is for other readers: BundleReader takes plain files.
Status write_bundle(const sys::fs::path& path,
                    const std::map<std::string, BundleEntry>& entries,
                    Compression compression = Compression::none);

/// Reads a bundle from a file or a raw block device through pread; never needs it in memory.
class BundleReader {
public:
  /// Walks the headers. Refuses anything but regular files with plain relative names, duplicates,
  /// and sizes beyond the limits. The descriptor must stay open.
  static Result<BundleReader> open(int fd);

  bool has(std::string_view name) const { return places_.find(name) != places_.end(); }
  std::vector<std::string> names() const;
  Result<std::uint64_t> size(std::string_view name) const;
  /// Whole entry, refused above max.
  Result<Bytes> read(std::string_view name, std::size_t max) const;
  Result<BundleInfo> info() const;
  /// Entry in pieces, for large blobs.
  Status copy(std::string_view name, const std::function<Status(ByteView)>& sink) const;

private:
  struct Place {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };
  explicit BundleReader(int fd) : fd_(fd) {}
  Result<Place> place(std::string_view name) const;

  int fd_;
  std::map<std::string, Place, std::less<>> places_;
};

/// Every blob's bytes hash to its name; run before a bundle is believed on the host.
Status verify_blobs(const BundleReader& bundle);

} // namespace dstack::archive
