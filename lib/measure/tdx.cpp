#include "measure/tdx.hpp"

namespace dstack::measure {

std::string_view name_of(PageOrder pages)
{
  switch (pages) {
  case PageOrder::single_pass:
    return "single-pass";
  case PageOrder::two_pass:
    return "two-pass";
  }
  bug("page order");
}

QemuHabits habits_of(const QemuVersion& qemu)
{
  QemuHabits out;
  if (qemu.major == 8) {
    out.pages = PageOrder::two_pass;
    out.pic = true;
  }
  return out;
}

TdxShape usual_shape(const QemuVersion& qemu, std::uint32_t cpus, std::uint64_t memory_bytes)
{
  const QemuHabits habits = habits_of(qemu);
  TdxShape out;
  out.machine.qemu = qemu;
  out.machine.cpus = cpus;
  out.machine.memory_bytes = memory_bytes;
  out.machine.pic = habits.pic;
  out.pages = habits.pages;
  out.header = header_of(qemu, KernelSource::items);
  return out;
}

KernelForm kernel_form(const TdxShape& shape)
{
  return shape.header == KernelHeader::as_in_file ? 0 : serving_class(shape.machine.memory_bytes);
}

Result<AcpiDigests> acpi_digests(const AcpiShape& shape)
{
  const AcpiBlobs blobs = TRY(acpi_blobs(shape).within("ACPI tables"));
  return AcpiDigests{crypto::sha384(blobs.loader), crypto::sha384(blobs.rsdp),
                     crypto::sha384(blobs.tables)};
}

Result<AcpiDigests> AcpiCache::digests(const AcpiShape& shape)
{
  if (!shape.nodes.empty()) return acpi_digests(shape); // rare, and all of its memory counts
  AcpiShape key = shape;
  if (!shape.amd_cpu) key.memory_bytes = serving_class(shape.memory_bytes);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  return known_.emplace(key, TRY(acpi_digests(shape))).first->second;
}

Result<TdxPrediction>
predict_tdx(const TdxMaterial& material, const TdxShape& shape, const AcpiDigests& acpi)
{
  const auto mrtd = material.mrtd.find(shape.pages);
  const auto kernel =
      material.kernels.find(material.kernel_normalised ? KernelForm{0} : kernel_form(shape));
  if (mrtd == material.mrtd.end() || kernel == material.kernels.end())
    return fail(Errc::internal, "prediction without the digests it needs");
  const Bytes hob = TRY(td_hob(material.hob, shape.machine.memory_bytes).within("TD HOB"));
  TdxPrediction out;
  out.mrtd = mrtd->second;
  out.events[0] =
      rtmr0_events({crypto::sha384(hob), material.cfv, acpi.loader, acpi.rsdp, acpi.tables});
  out.events[1] = rtmr1_events(kernel->second);
  out.events[2] = rtmr2_events(material.cmdline, material.initrd);
  for (std::size_t i = 0; i < out.events.size(); ++i)
    out.rtmr[i] = replay(out.events[i]);
  return out;
}

Result<TdxPrediction> predict_tdx(const TdxMaterial& material, const TdxShape& shape)
{
  return predict_tdx(material, shape, TRY(acpi_digests(shape.machine)));
}

} // namespace dstack::measure
