#pragma once
/// Measurement documents out of the files of an image.

#include "measure/boot_events.hpp"
#include "measure/documents.hpp"

namespace dstack::measure {

/// The files that boot, and the command line of metadata.json. They must outlive what uses them.
struct ImageFiles {
  ByteView firmware{};
  ByteView sev_firmware{}; ///< for SEV-SNP; empty: none
  ByteView kernel{};
  ByteView initrd{};
  std::string cmdline{};
  std::string ovmf_variant{};
};

/// What a document says about itself, to make one to compare with.
struct TdxForm {
  std::uint64_t version = 4;
  bool kernel_header_normalized = false;
};

/// Errc::unsupported for an unknown layout: its RTMR0 would be another.
Result<TdxDocument> tdx_document_of(const ImageFiles& files, const TdxForm& form);
Result<SnpImage> snp_image_of(const ImageFiles& files);

/// The kernel with its header as QEMU 10.1 and before write it for a VM of 2816 MiB and more, so
/// that those and later ones, which leave it alone, serve the same bytes (spec host 5.6, 8).
Result<Bytes> normalized_kernel(ByteView kernel, std::size_t initrd_size);

} // namespace dstack::measure
