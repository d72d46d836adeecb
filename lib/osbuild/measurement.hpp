#pragma once
/// The files by which an image describes itself, and its measurement documents among them (spec
/// host 4.1, 5.7).

#include "codec/json.hpp"
#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

/// Of a firmware, a kernel or an initramfs, in bytes.
inline constexpr std::size_t max_boot_file = std::size_t{256} << 20U;

/// Writes metadata.json, the measurement documents, sha256sum.txt and digest.txt beside the boot
/// files that metadata names: TDX's document, and SEV-SNP's when there is firmware for it.
Status describe_files(const fs::path& directory, const image::Metadata& metadata);

/// The firmware for SEV-SNP is in no checksum: its digest must be the one of the image's document.
Status check_sev_firmware(const fs::path& directory, const image::Metadata& metadata);

/// A measurement document of the image whose every member is what the image's files give.
struct CheckedDocument {
  std::string name{};
  codec::Json facts{};
};
/// Computes the image's documents again from its files, as many as it has. A difference is
/// Errc::untrusted and names document and member.
Result<std::vector<CheckedDocument>> check_documents(const fs::path& directory,
                                                     const image::Metadata& metadata);

} // namespace dstack::osbuild
