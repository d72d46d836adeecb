#pragma once
/// Measurement documents: what of an OS image decides its measurements, small enough to travel
/// with evidence and bound to the image by its sha256sum.txt (spec host 4.1, 5.7). CBOR, read
/// strictly: members, order and encoding as the writer has them, known versions, nothing after the
/// end; so a document that is read is written again as the same bytes.

#include "codec/json.hpp"
#include "measure/snp_launch.hpp"

namespace dstack::measure {

inline constexpr std::string_view tdx_document_file = "measurement.tdx.cbor";
inline constexpr std::string_view snp_document_file = "measurement.snp.cbor";
inline constexpr std::string_view gcp_document_file = "measurement.gcp.cbor";
inline constexpr std::string_view aws_document_file = "measurement.aws.cbor";
inline constexpr std::size_t max_document = 64 * 1024;

/// measurement.tdx.cbor, version 3 or 4.
struct TdxDocument {
  std::uint64_t version = 4;
  /// Version 4: as in metadata.json, without " initrd=initrd". Version 3 has only its digest.
  std::string cmdline{};
  crypto::Sha384Digest cmdline_event{}; ///< RTMR2's first; of the text in version 4
  /// RTMR1's first, with the kernel's header as QEMU 10.1 and before rewrite it for a VM of 2 GiB
  /// or of 2816 MiB and more.
  crypto::Sha384Digest kernel_event{};
  /// Version 4: kernel and firmware carry that header themselves, so that kernel_event holds for
  /// any memory and QEMU.
  bool kernel_header_normalized = false;
  crypto::Sha384Digest initrd_event{}; ///< RTMR2's second: SHA-384 of the file
  std::string ovmf_variant{};          ///< "pre202505"
  crypto::Sha384Digest mrtd_single_pass{};
  crypto::Sha384Digest mrtd_two_pass{};
  Bytes td_hob{}; ///< witness of the memory that the firmware takes for itself (spec host 5.4)
  bool operator==(const TdxDocument&) const = default;
};
Result<TdxDocument> parse_tdx_document(ByteView cbor);
Bytes write_document(const TdxDocument& document);

/// measurement.snp.cbor, version 3.
Result<SnpImage> parse_snp_document(ByteView cbor);
Bytes write_document(const SnpImage& image);

/// measurement.gcp.cbor, version 1.
struct GcpDocument {
  crypto::Sha256Digest uki_authenticode{};
  bool operator==(const GcpDocument&) const = default;
};
Result<GcpDocument> parse_gcp_document(ByteView cbor);
Bytes write_document(const GcpDocument& document);

/// measurement.aws.cbor, version 1 or, older, without one.
struct AwsDocument {
  bool has_version = true;
  crypto::Sha256Digest boot_pcr_digest{}; ///< SHA-256 of PCR4, PCR7 and PCR12
  bool operator==(const AwsDocument&) const = default;
};
Result<AwsDocument> parse_aws_document(ByteView cbor);
Bytes write_document(const AwsDocument& document);

/// The same as flat objects, for people and to tell what differs: members as in the document,
/// digests in hex, those of "mrtd" with its name in front.
codec::Json to_json(const TdxDocument& document);
codec::Json to_json(const SnpImage& image);

/// That a document belongs to the image: os_image_hash is the checksum file's SHA-256, and that
/// file lists this name once with the document's. Errc::untrusted when it does not.
Status check_binding(ByteView os_image_hash,
                     std::string_view checksum_file,
                     std::string_view name,
                     ByteView document);

} // namespace dstack::measure
