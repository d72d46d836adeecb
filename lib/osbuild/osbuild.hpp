#pragma once
/// Building the guest OS image from the recipe in os/, and checking a finished one.

#include "image/metadata.hpp"
#include "sys/files.hpp"

namespace dstack::osbuild {

namespace fs = std::filesystem;

enum class Existing { refuse, replace };

struct Options {
  fs::path recipe;          ///< the os/ directory
  fs::path guest_program;   ///< static dstack-guest
  fs::path init_program;    ///< static dstack-init
  fs::path images;          ///< directory of image directories
  std::string name;         ///< empty: dstack-<version of the recipe>
  fs::path packages;        ///< cache of downloaded packages
  fs::path sev_firmware{};  ///< edk2's AmdSevX64 for SEV-SNP; empty: the image has none
  std::string mirror{};     ///< takes the place of http://deb.debian.org; empty: as in the lock
  std::string git_revision; ///< recorded in the metadata, so part of the image hash
  Existing existing = Existing::refuse;
  unsigned workers = 2;
};

/// Told what happens, always from one thread at a time.
class Progress {
public:
  virtual ~Progress() = default;
  /// A step begins: "download 53 packages", "write the root file system".
  virtual void step(std::string_view what) = 0;
  /// Within the download step.
  virtual void downloaded(std::uint64_t bytes, std::uint64_t of_bytes) = 0;
};

struct StepTime {
  std::string name;
  std::int64_t ms = 0;
};

struct ImageInfo {
  fs::path directory;
  image::Metadata metadata;
  std::string image_hash; ///< os_image_hash, hex
  std::string root_hash;  ///< dm-verity, hex
  std::uint64_t size_bytes = 0;
};

struct Built {
  ImageInfo image;
  std::vector<StepTime> times;
};

/// Downloads what the lock names, builds in a hidden directory beside the result, renames it into
/// place. The bytes depend on recipe, programs, SEV firmware and git_revision only. The caller
/// makes sure that only one build at a time works on options.images.
Result<Built> build(const Options& options, Progress& progress);

/// Everything that can be checked without running it: each file against sha256sum.txt, that
/// against digest.txt, the root file system block by block against the hash on the kernel command
/// line, firmware for SEV-SNP against the image's measurement document. A mismatch is
/// Errc::untrusted and names the file.
Result<ImageInfo> verify_image(const fs::path& directory);

} // namespace dstack::osbuild
