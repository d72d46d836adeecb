#include "measure/image_files.hpp"

#include "measure/boot.hpp"
#include "measure/kernel.hpp"
#include "measure/td_hob.hpp"

namespace dstack::measure {

namespace {

/// Any size from 2816 MiB on serves the kernel alike.
constexpr std::uint64_t ample_memory = std::uint64_t{4} << 30U;

} // namespace

Result<TdxDocument> tdx_document_of(const ImageFiles& files, const TdxForm& form)
{
  TRY(check_ovmf_variant(files.ovmf_variant));
  TdxDocument out;
  out.version = form.version;
  out.kernel_header_normalized = form.kernel_header_normalized;
  if (form.version != 3) out.cmdline = files.cmdline;
  out.cmdline_event = cmdline_digest(files.cmdline);
  out.kernel_event =
      TRY((form.kernel_header_normalized
               ? authenticode_sha384(files.kernel)
               : kernel_digest(files.kernel, {ample_memory, files.initrd.size()}))
              .within("kernel"));
  out.initrd_event = crypto::sha384(files.initrd);
  out.ovmf_variant = std::string{known_ovmf_variant};
  out.mrtd_single_pass = TRY(mrtd(files.firmware, PageOrder::single_pass).within("firmware"));
  out.mrtd_two_pass = TRY(mrtd(files.firmware, PageOrder::two_pass).within("firmware"));
  const auto sections = TRY(tdvf_sections(files.firmware).within("firmware"));
  out.td_hob = write_witness(TRY(td_hob_layout(sections).within("firmware")));
  return out;
}

Result<SnpImage> snp_image_of(const ImageFiles& files)
{
  SnpImage out;
  out.firmware = TRY(snp_firmware(files.sev_firmware).within("SEV firmware"));
  out.kernel = crypto::sha256(files.kernel);
  out.initrd = crypto::sha256(files.initrd);
  out.cmdline = files.cmdline;
  return out;
}

Result<Bytes> normalized_kernel(ByteView kernel, std::size_t initrd_size)
{
  return served_kernel(kernel, {ample_memory, initrd_size});
}

} // namespace dstack::measure
