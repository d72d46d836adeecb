#include "cli/measure/material.hpp"

#include "archive/deb.hpp"
#include "cli/images.hpp"
#include "measure/boot.hpp"
#include "sys/threads.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

constexpr std::size_t piece = std::size_t{256} << 10U;

/// Digest of a file that is not held in memory.
template <class Hash> Result<decltype(Hash{}.finish())> digest_of(const sys::fs::path& file)
{
  const sys::Fd in = TRY(sys::open_read(file));
  Hash hash;
  while (true) {
    const Bytes bytes = TRY(sys::read_some(in.get(), piece).within("{}", file.string()));
    if (bytes.empty()) return hash.finish();
    hash.update(bytes);
  }
}

Result<crypto::Sha384Digest>
kernel_in_form(ByteView kernel, std::uint64_t initrd_size, measure::KernelForm form)
{
  if (form == 0) return measure::authenticode_sha384(kernel);
  return measure::kernel_digest(kernel, {form, initrd_size});
}

/// Everything of the firmware a prediction takes.
Status read_firmware(const ImageFiles& image,
                     const std::set<measure::PageOrder>& pages,
                     measure::TdxMaterial& out)
{
  const std::string& name = image.metadata.bios;
  const Bytes firmware =
      TRY(sys::read_file(image.directory / name, measure::max_firmware_size).within("firmware"));
  const auto sections = TRY(measure::tdvf_sections(firmware).within("{}", name));
  out.hob = TRY(measure::td_hob_layout(sections).within("{}", name));
  out.cfv = TRY(measure::cfv_digest(firmware, sections).within("{}", name));
  for (const measure::PageOrder order : pages)
    out.mrtd[order] = TRY(measure::mrtd(firmware, order).within("{}", name));
  return ok();
}

Status read_kernel(const ImageFiles& image,
                   const std::set<measure::KernelForm>& forms,
                   std::uint64_t initrd_size,
                   measure::TdxMaterial& out)
{
  if (forms.empty()) return ok();
  const std::string& name = image.metadata.kernel;
  const Bytes kernel =
      TRY(sys::read_file(image.directory / name, measure::max_pe_size).within("kernel"));
  for (const measure::KernelForm form : forms)
    out.kernels[form] = TRY(kernel_in_form(kernel, initrd_size, form).within("{}", name));
  return ok();
}

Result<measure::KernelSource> kernel_source(ByteView firmware)
{
  constexpr std::size_t max_volume = std::size_t{64} << 20U;
  const auto compressed = measure::compressed_volume(firmware);
  if (!compressed) return measure::kernel_source_of(firmware);
  return measure::kernel_source_of(TRY(archive::decompress(*compressed, max_volume)));
}

} // namespace

Result<ImageFiles> open_image_directory(const sys::fs::path& directory)
{
  ImageFiles out;
  out.directory = directory;
  out.name = (directory.has_filename() ? directory : directory.parent_path()).filename().string();
  const std::string text =
      TRY(sys::read_text(directory / image::metadata_file, image::max_metadata));
  out.metadata = TRY(image::parse_metadata(text, out.name)
                         .within("{}", (directory / image::metadata_file).string()));
  TRY(measure::check_ovmf_variant(out.metadata.ovmf_variant).within("{}", out.name));
  const auto manifest = sys::read_text(directory / image::manifest_file, image::max_manifest);
  if (manifest) out.os_image_hash = image::image_hash(*manifest);
  return out;
}

Result<ImageFiles> open_image(const Context& ctx, const std::string& word)
{
  return open_image_directory(TRY(image_or_newest(ctx, word)));
}

void add_need(TdxNeeds& needs, const measure::TdxShape& shape)
{
  needs.pages.insert(shape.pages);
  needs.kernels.insert(measure::kernel_form(shape));
}

Status add_kernel_source(const ImageFiles& image, std::vector<measure::VmConfig>& machines)
{
  const bool matters = std::any_of(machines.begin(), machines.end(), [](const auto& machine) {
    return !machine.header && measure::offers_both(machine.qemu.value_or(measure::assumed_qemu));
  });
  const std::string& name = image.metadata.bios;
  if (!matters || image.metadata.kernel_header_normalized || name.empty()) return ok();
  const Bytes firmware =
      TRY(sys::read_file(image.directory / name, measure::max_firmware_size).within("firmware"));
  const measure::KernelSource source = TRY(kernel_source(firmware).within("{}", name));
  for (measure::VmConfig& machine : machines)
    machine.kernel_source = source;
  return ok();
}

Result<measure::TdxMaterial> tdx_material(const ImageFiles& image, const TdxNeeds& needs)
{
  measure::TdxMaterial out; // each task writes members of its own
  out.kernel_normalised = image.metadata.kernel_header_normalized;
  out.cmdline = measure::cmdline_digest(image.metadata.cmdline);
  const sys::fs::path initrd = image.directory / image.metadata.initrd;
  const std::uint64_t initrd_size = TRY(sys::file_size(initrd).within("initrd"));
  const std::set<measure::KernelForm> forms =
      out.kernel_normalised ? std::set<measure::KernelForm>{0} : needs.kernels;
  const std::vector<std::function<Status()>> tasks{
      [&] { return read_firmware(image, needs.pages, out); },
      [&] { return read_kernel(image, forms, initrd_size, out); },
      [&]() -> Status {
        out.initrd = TRY(digest_of<crypto::Sha384>(initrd).within("initrd"));
        return ok();
      }};
  TRY(sys::run_parallel(tasks, sys::processor_count()));
  return out;
}

Result<measure::SnpImage> snp_material(const ImageFiles& image)
{
  const std::string& name = image.metadata.bios_sev;
  if (name.empty())
    return fail(Errc::unsupported, "{} has no SEV firmware (bios-sev in its metadata.json)",
                image.name);
  const sys::fs::path kernel = image.directory / image.metadata.kernel;
  const sys::fs::path initrd = image.directory / image.metadata.initrd;
  measure::SnpImage out;
  out.cmdline = image.metadata.cmdline;
  const std::vector<std::function<Status()>> tasks{
      [&]() -> Status {
        const Bytes firmware =
            TRY(sys::read_file(image.directory / name, measure::max_firmware_size)
                    .within("SEV firmware"));
        out.firmware = TRY(measure::snp_firmware(firmware).within("{}", name));
        return ok();
      },
      [&]() -> Status {
        out.kernel = TRY(digest_of<crypto::Sha256>(kernel).within("kernel"));
        return ok();
      },
      [&]() -> Status {
        out.initrd = TRY(digest_of<crypto::Sha256>(initrd).within("initrd"));
        return ok();
      }};
  TRY(sys::run_parallel(tasks, sys::processor_count()));
  return out;
}

Result<ImageSuspects> image_suspects(const ImageFiles& image)
{
  using measure::PageOrder;
  TdxNeeds needs;
  needs.pages = {PageOrder::single_pass, PageOrder::two_pass};
  measure::TdxMaterial material = TRY(tdx_material(image, needs));
  const auto kernel = std::make_shared<const Bytes>(
      TRY(sys::read_file(image.directory / image.metadata.kernel, measure::max_pe_size)));
  const std::uint64_t initrd_size = TRY(sys::file_size(image.directory / image.metadata.initrd));
  ImageSuspects out;
  out.firmware = {image.name, material.hob, material.cfv, std::move(material.mrtd)};
  out.kernel.label = image.name;
  out.kernel.normalised = image.metadata.kernel_header_normalized;
  out.kernel.digest = [kernel, initrd_size](measure::KernelForm form) {
    return kernel_in_form(*kernel, initrd_size, form);
  };
  out.cmdline = {image.name, material.cmdline};
  out.initrd = {image.name, material.initrd};
  return out;
}

} // namespace dstack::cli
