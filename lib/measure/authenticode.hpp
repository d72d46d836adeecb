#pragma once
/// The digest of a PE image that firmware measures when it starts one (Microsoft "Windows
/// Authenticode Portable Executable Signature Format", "Calculating the PE Image Hash"; spec host
/// 5.6): everything but the checksum, the certificate table's entry and the certificates.

#include "base/bytes.hpp"
#include "crypto/hash.hpp"

namespace dstack::measure {

inline constexpr std::size_t max_pe_size = std::size_t{512} << 20U;
inline constexpr std::size_t max_pe_sections = 96; ///< what Windows' loader takes
/// No header lies further back.
inline constexpr std::size_t max_pe_headers = std::size_t{1} << 20U;

/// A file whose first bytes are served differently from what the file has: head stands for as many
/// bytes of it.
struct ServedFile {
  ByteView head{}; ///< no longer than the file
  ByteView file{};
};

/// Errc::malformed for what is no PE image or whose headers point outside it.
Result<crypto::Sha384Digest> authenticode_sha384(ByteView pe);
Result<crypto::Sha384Digest> authenticode_sha384(const ServedFile& pe);
Result<crypto::Sha256Digest> authenticode_sha256(ByteView pe);

} // namespace dstack::measure
