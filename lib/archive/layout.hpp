#pragma once
/// An OCI image layout that came as one tar file ("docker buildx build -o type=oci", "docker save",
/// "skopeo copy … oci-archive:"), unpacked so that it can be read like a directory.

#include "sys/files.hpp"

namespace dstack::archive {

inline constexpr std::size_t max_layout_entries = 10'000;
inline constexpr std::uint64_t max_layout_bytes = std::uint64_t{64} << 30U;

/// Writes oci-layout, index.json and blobs/sha256/… below to (which exists). A blob whose bytes do
/// not hash to its name is Errc::untrusted; links and names that leave the archive are refused;
/// other files of the archive are passed over.
Status unpack_layout(int fd, const sys::fs::path& to);

} // namespace dstack::archive
