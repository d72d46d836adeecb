#include "cli/verify/image.hpp"

#include "base/text.hpp"
#include "cli/images.hpp"
#include "cli/measure/material.hpp"
#include "measure/expected.hpp"
#include "tee/sim_image.hpp"

namespace dstack::cli {

namespace {

/// Registers of the simulated TEE: all but RTMR3 follow from image and shape.
Status predict_simulated(const ImageFiles& image,
                         const codec::Json& config,
                         verify::ImageExpectation& out)
{
  const std::uint64_t cpus = TRY(config.get_u64("cpu_count", 0).within("vm_config"));
  if (cpus > UINT32_MAX) return fail(Errc::malformed, "vm_config: cpu_count {}", cpus);
  const std::uint64_t memory = TRY(config.get_u64("memory_size", 0).within("vm_config"));
  const auto boot = TRY(tee::simulated_image_boot(
      image.directory, image.metadata, {static_cast<std::uint32_t>(cpus), memory}));
  out.registers = {{"mrtd", {hex(boot.mrtd)}},
                   {"rtmr0", {hex(boot.rtmr[0])}},
                   {"rtmr1", {hex(boot.rtmr[1])}},
                   {"rtmr2", {hex(boot.rtmr[2])}}};
  return ok();
}

Status expect_tdx(const measure::TdxMaterial& material,
                  const measure::Candidates& candidates,
                  verify::ImageExpectation& out)
{
  for (const auto& [name, values] : TRY(measure::expected_registers(material, candidates))) {
    out.registers.emplace_back(name, std::vector<std::string>{});
    for (const crypto::Sha384Digest& value : values)
      out.registers.back().second.push_back(hex(value));
  }
  if (!candidates.machines.empty()) return ok();
  out.not_predicted = {"rtmr0"};
  out.why_not = candidates.unclear;
  return ok();
}

Status
predict_tdx(const ImageFiles& image, const codec::Json& config, verify::ImageExpectation& out)
{
  const measure::Candidates candidates = measure::candidates_of(config);
  TdxNeeds needs;
  needs.pages = {measure::PageOrder::two_pass, measure::PageOrder::single_pass};
  for (const measure::KernelForm form : measure::kernel_forms(candidates))
    needs.kernels.insert(form);
  return expect_tdx(TRY(tdx_material(image, needs)), candidates, out);
}

Status expect_snp(const measure::SnpImage& material,
                  const codec::Json& config,
                  verify::ImageExpectation& out)
{
  const auto shape = measure::parse_snp_shape(config);
  if (!shape) {
    out.not_predicted = {"measurement"};
    out.why_not = shape.error().message();
    return ok();
  }
  const auto digest = TRY(measure::snp_launch_digest(material, *shape).within("launch digest"));
  out.registers = {{"measurement", {hex(digest)}}};
  return ok();
}

Status predict(const ImageFiles& image, const DescribedVm& vm, verify::ImageExpectation& out)
{
  switch (vm.tee) {
  case store::Tee::sim:
    return predict_simulated(image, vm.config, out);
  case store::Tee::tdx:
    return predict_tdx(image, vm.config, out);
  case store::Tee::snp:
    return expect_snp(TRY(snp_material(image)), vm.config, out);
  }
  bug("TEE");
}

/// By the measurement document in the evidence; nothing when there is none.
Status predict_by_document(const DescribedVm& vm, verify::ImageExpectation& out)
{
  const Bytes hash = TRY(parse_hex(out.os_image_hash));
  const codec::Json* tdx = vm.config.find("tdx_measurement");
  if (vm.tee == store::Tee::tdx && tdx != nullptr && tdx->is_object()) {
    const auto carried = TRY(measure::read_carried(*tdx).within("tdx_measurement"));
    const auto material =
        TRY(measure::carried_material(carried, hash).within("tdx_measurement"));
    return expect_tdx(material, measure::candidates_of(vm.config), out);
  }
  const std::string snp = TRY(vm.config.get_string("sev_snp_measurement", ""));
  if (vm.tee == store::Tee::snp && !snp.empty()) {
    const auto carried = TRY(measure::read_carried(TRY(codec::parse_json(snp)))
                                 .within("sev_snp_measurement"));
    const auto image = TRY(measure::carried_snp_image(carried, hash).within("sev_snp_measurement"));
    return expect_snp(image, vm.config, out);
  }
  out.not_predicted = {"mrtd", "rtmr0", "rtmr1", "rtmr2"};
  if (vm.tee == store::Tee::snp) out.not_predicted = {"measurement"};
  return ok();
}

} // namespace

Result<DescribedVm> described_vm(const attest::Evidence& evidence, bool simulated)
{
  DescribedVm out;
  if (!simulated)
    out.tee = evidence.attestation.platform == attest::Platform::amd_sev_snp ? store::Tee::snp
                                                                             : store::Tee::tdx;
  const std::string text = TRY(attest::vm_config_of(evidence.attestation));
  const codec::Json config = TRY(codec::parse_json(text).within("vm_config"));
  // Not the VM's name or its app's documents, which are different for every one.
  for (const std::string_view name :
       {"cpu_count", "memory_size", "qemu_version", "qemu_single_pass_add_pages", "pic",
        "pci_hole64_size", "hotplug_off", "num_nics", "num_verity_volumes", "num_gpus",
        "num_nvswitches", "hugepages", "numa_node_gpus", "swtpm", "tdx_measurement",
        "sev_snp_measurement"})
    if (const codec::Json* value = config.find(name); value != nullptr)
      out.config.set(name, *value);
  return out;
}

std::string key_of(const DescribedVm& vm)
{
  return fmt::format("{} {}", store::name_of(vm.tee), codec::write_json(vm.config));
}

Result<verify::ImageExpectation> expected_by_hash(const std::string& hash, const DescribedVm& vm)
{
  verify::ImageExpectation out;
  out.source = fmt::format("--image {}", hash);
  out.os_image_hash = lower(hash);
  TRY(predict_by_document(vm, out).within("--image {}", hash));
  return out;
}

Result<verify::ImageExpectation>
expected_image(const std::string& word, const Context& ctx, const DescribedVm& vm)
{
  if (parse_hex_array<32>(word)) return expected_by_hash(word, vm);
  verify::ImageExpectation out;
  out.source = fmt::format("--image {}", word);
  const sys::fs::path directory = TRY(find_image(ctx, word));
  const auto info = TRY(verify_image_cached(ctx, directory).within("--image {}", word));
  out.os_image_hash = info.image_hash;
  TRY(predict(TRY(open_image_directory(directory)), vm, out).within("--image {}", word));
  return out;
}

} // namespace dstack::cli
