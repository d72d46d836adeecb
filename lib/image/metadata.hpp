#pragma once
/// What an image directory says about itself: metadata.json, sha256sum.txt, digest.txt.

#include "base/bytes.hpp"

#include <vector>

namespace dstack::image {

constexpr std::size_t max_metadata = 64 * 1024;
constexpr std::size_t max_manifest = 64 * 1024;
constexpr std::string_view metadata_file = "metadata.json";
constexpr std::string_view manifest_file = "sha256sum.txt";
constexpr std::string_view digest_file = "digest.txt";

struct Metadata {
  std::string bios;
  std::string bios_sev; ///< empty: none
  std::string kernel;
  std::string cmdline;
  std::string initrd;
  std::string rootfs;
  std::string version;
  std::string git_revision;
  bool shared_ro = true;
  bool is_dev = false;
  std::string ovmf_variant; ///< empty: not stated
  /// The firmware makes the kernel's header what it is in the file, whatever QEMU wrote into it.
  bool kernel_header_normalized = false;
  bool operator==(const Metadata&) const = default;
};

std::string write_metadata(const Metadata& metadata);
/// directory_name gives the version when the file does not ("dstack-0.5.3" -> "0.5.3"). File names
/// in it must be plain names.
Result<Metadata> parse_metadata(std::string_view text, std::string_view directory_name);

struct FileDigest {
  std::string name;
  std::array<std::uint8_t, 32> sha256{};
  bool operator==(const FileDigest&) const = default;
};

/// GNU sha256sum format, in the given order.
std::string write_manifest(const std::vector<FileDigest>& files);
/// Strict: lower-case digests, two blanks, plain file names, no name twice, final newline.
Result<std::vector<FileDigest>> parse_manifest(std::string_view text);
/// os_image_hash: lower-case hex SHA-256 of the manifest's bytes.
std::string image_hash(std::string_view manifest_text);
/// A name of an image or of a file in one: letters, digits and "_.-", at most 64, no "..".
Status check_name(std::string_view name);

/// The words dstack.rootfs_hash and dstack.rootfs_size of a kernel command line.
struct RootParameters {
  std::array<std::uint8_t, 32> hash{};
  std::uint64_t size_bytes = 0;
};
Result<RootParameters> root_parameters(std::string_view cmdline);

} // namespace dstack::image
