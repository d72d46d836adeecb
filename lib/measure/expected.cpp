#include "measure/expected.hpp"

#include "measure/shape_search.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

constexpr std::uint64_t usual_memory = std::uint64_t{2} << 30U;

template <class T> void add_once(std::vector<T>& to, const T& value)
{
  if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
}

/// What goes wrong with a machine, if anything.
Status check_shape(const VmConfig& machine)
{
  static_cast<void>(TRY(acpi_digests(TRY(shape_of(machine)).machine)));
  return ok();
}

} // namespace

Candidates candidates_of(const codec::Json& vm_config)
{
  Candidates out;
  const auto stated = parse_vm_config(vm_config);
  if (!stated) {
    out.unclear = stated.error().message();
    return out;
  }
  out.machines.push_back(*stated);
  if (!stated->qemu) {
    out.machines.clear();
    for (const QemuVersion& version : table_versions()) {
      out.machines.push_back(*stated);
      out.machines.back().qemu = version;
    }
  }
  if (const Status fits = check_shape(out.machines.front()); !fits) {
    out.machines.clear();
    out.unclear = fits.error().message();
  }
  return out;
}

std::vector<KernelForm> kernel_forms(const Candidates& candidates)
{
  std::vector<KernelForm> out{0, serving_class(usual_memory)};
  for (const VmConfig& machine : candidates.machines)
    add_once(out, serving_class(machine.memory_bytes));
  return out;
}

Result<std::vector<RegisterValues>> expected_registers(const TdxMaterial& material,
                                                       const Candidates& candidates)
{
  RegisterValues mrtd{"mrtd", {}};
  for (const auto& [order, digest] : material.mrtd)
    mrtd.second.push_back(digest);
  RegisterValues rtmr0{"rtmr0", {}};
  for (const VmConfig& machine : candidates.machines) {
    const TdxShape shape = TRY(shape_of(machine));
    const AcpiDigests acpi = TRY(acpi_digests(shape.machine));
    const Bytes hob = TRY(td_hob(material.hob, shape.machine.memory_bytes).within("TD HOB"));
    add_once(rtmr0.second, replay(rtmr0_events({crypto::sha384(hob), material.cfv, acpi.loader,
                                                acpi.rsdp, acpi.tables})));
  }
  RegisterValues rtmr1{"rtmr1", {}};
  for (const auto& [form, kernel] : material.kernels)
    add_once(rtmr1.second, replay(rtmr1_events(kernel)));
  RegisterValues rtmr2{"rtmr2", {replay(rtmr2_events(material.cmdline, material.initrd))}};
  std::vector<RegisterValues> out{std::move(mrtd)};
  if (!rtmr0.second.empty()) out.push_back(std::move(rtmr0));
  out.push_back(std::move(rtmr1));
  out.push_back(std::move(rtmr2));
  return out;
}

Result<CarriedDocument> read_carried(const codec::Json& object)
{
  CarriedDocument out;
  const Bytes list = TRY(parse_base64(TRY(object.need_string("checksum_file"))));
  out.checksum_file = std::string{as_text(list)};
  out.document = TRY(parse_base64(TRY(object.need_string("measurement"))));
  return out;
}

Result<TdxMaterial> carried_material(const CarriedDocument& carried, ByteView os_image_hash)
{
  TRY(check_binding(os_image_hash, carried.checksum_file, tdx_document_file, carried.document));
  const TdxDocument document = TRY(parse_tdx_document(carried.document));
  TRY(check_ovmf_variant(document.ovmf_variant));
  TdxMaterial out;
  out.hob = TRY(parse_witness(document.td_hob));
  out.cfv = published_cfv_digest();
  out.mrtd = {{PageOrder::single_pass, document.mrtd_single_pass},
              {PageOrder::two_pass, document.mrtd_two_pass}};
  out.kernel_normalised = document.kernel_header_normalized;
  out.kernels[out.kernel_normalised ? 0 : serving_class(usual_memory)] = document.kernel_event;
  out.cmdline = document.cmdline_event;
  out.initrd = document.initrd_event;
  return out;
}

Result<SnpImage> carried_snp_image(const CarriedDocument& carried, ByteView os_image_hash)
{
  TRY(check_binding(os_image_hash, carried.checksum_file, snp_document_file, carried.document));
  return parse_snp_document(carried.document);
}

Result<SnpShape> parse_snp_shape(const codec::Json& vm_config)
{
  SnpShape out;
  std::uint64_t cpus = TRY(vm_config.get_u64("cpu_count", 0));
  const std::string text = TRY(vm_config.get_string("sev_snp_measurement", ""));
  if (!text.empty()) {
    const codec::Json inner = TRY(codec::parse_json(text).within("sev_snp_measurement"));
    cpus = TRY(inner.get_u64("vcpus", cpus));
    if (const codec::Json* type = inner.find("vcpu_type"); type != nullptr && !type->is_null())
      out.cpu_type = TRY(inner.need_string("vcpu_type"));
    out.guest_features = TRY(inner.get_u64("guest_features", out.guest_features));
  }
  if (cpus == 0 || cpus > max_snp_cpus)
    return fail(Errc::malformed, "vm_config with {} CPUs", cpus);
  out.cpus = static_cast<std::uint32_t>(cpus);
  return out;
}

} // namespace dstack::measure
