#include "cli/deploy/vm_config.hpp"

#include "codec/json_list.hpp"
#include "crypto/hash.hpp"
#include "measure/documents.hpp"
#include "probe/placement.hpp"
#include "store/host_facts.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::string_view snp_cpu_type = "EPYC-v4"; // as lib/vm starts it
constexpr std::uint64_t snp_guest_features = 1;

/// A document of the image with the list that its hash is in; nothing when the image has none.
Result<std::optional<Json>> image_document(const sys::fs::path& directory, std::string_view name)
{
  std::error_code ignored;
  if (!sys::fs::exists(directory / name, ignored)) return std::optional<Json>{};
  const Bytes document = TRY(sys::read_file(directory / name, measure::max_document));
  const Bytes manifest = TRY(sys::read_file(directory / image::manifest_file, image::max_manifest));
  return std::optional{Json::object()
                           .set("checksum_file", base64(manifest))
                           .set("measurement", base64(document))};
}

/// Evidence that verifies without the image (spec host 5.7, "lite"), unless the app decides.
bool is_lite(const store::VmSpec& spec, const compose::AppCompose& app, bool has_document)
{
  constexpr std::uint64_t usual = std::uint64_t{2} << 30U;
  constexpr std::uint64_t ample = std::uint64_t{3} << 30U;
  if (app.requirements && app.requirements->tdx_measure_acpi_tables)
    return !*app.requirements->tdx_measure_acpi_tables;
  // For these the kernel is served as the document has it.
  const bool same_kernel = spec.memory_bytes == usual || spec.memory_bytes >= ample;
  return same_kernel && has_document;
}

Result<Json> tdx_documents(const store::VmSpec& spec,
                           const compose::AppCompose& app,
                           const sys::fs::path& image)
{
  auto document = TRY(image_document(image, measure::tdx_document_file));
  Json out = Json::object();
  if (is_lite(spec, app, document.has_value())) out.set("tdx_attestation_variant", "lite");
  if (document) out.set("tdx_measurement", *std::move(document));
  return out;
}

/// Unlike TDX's a text in the document.
Result<Json> snp_documents(const store::VmSpec& spec, const sys::fs::path& image)
{
  auto document = TRY(image_document(image, measure::snp_document_file));
  if (!document) return Json::object();
  document->set("vcpus", spec.cpus)
      .set("vcpu_type", snp_cpu_type)
      .set("guest_features", snp_guest_features);
  return Json::object().set("sev_snp_measurement", codec::write_json(*document));
}

Json script_hashes(const compose::AppCompose& app)
{
  return codec::list_of(app.init_script, [](const std::string& script) {
    return hex(crypto::sha256(as_bytes(script)));
  });
}

} // namespace

Result<measure::VmConfig> machine_of(const store::VmSpec& spec)
{
  const vm::MachineSpec machine = TRY(probe::placed_machine(spec, {}));
  measure::VmConfig out = measure::vm_config_of(vm::machine_shape(machine));
  if (spec.tee == store::Tee::sim) return out;
  const store::QemuProgram qemu = TRY(store::find_qemu());
  if (const auto version = measure::parse_qemu_version(qemu.version)) out.qemu = *version;
  return out;
}

Result<HostSays> host_says(const store::VmSpec& spec,
                           const compose::AppCompose& app,
                           const osbuild::ImageInfo& image)
{
  HostSays out;
  out.machine = TRY(machine_of(spec));
  out.machine.ovmf_variant = image.metadata.ovmf_variant;
  if (spec.tee == store::Tee::sim) return out;
  if (!out.machine.qemu) out.qemu_version = TRY(store::find_qemu()).version;
  // TDX binds the compose hash alone (version 1) unless the app names its key provider.
  if (spec.tee == store::Tee::snp || !app.key_provider_id.empty())
    out.mr_config = mr_config_document(spec, app);
  out.documents = TRY(image_documents(spec, app, image.directory));
  return out;
}

Result<Json> image_documents(const store::VmSpec& spec,
                             const compose::AppCompose& app,
                             const sys::fs::path& image)
{
  switch (spec.tee) {
  case store::Tee::sim:
    return Json::object();
  case store::Tee::tdx:
    return tdx_documents(spec, app, image);
  case store::Tee::snp:
    return snp_documents(spec, image);
  }
  bug("TEE");
}

std::string mr_config_document(const store::VmSpec& spec, const compose::AppCompose& app)
{
  constexpr int with_script_hashes = 3; // manifest_version
  Json out = Json::object();
  out.set("app_id", spec.app.app_id).set("compose_hash", spec.app.compose_hash);
  if (!spec.placement.gpus.empty())
    out.set("gpu_policy_hash", hex(compose::gpu_policy_hash(app)));
  if (app.manifest_version >= with_script_hashes)
    out.set("init_script_hashes", script_hashes(app));
  out.set("key_provider", compose::name_of(app.key_provider));
  if (!app.key_provider_id.empty()) out.set("key_provider_id", hex(app.key_provider_id));
  return codec::write_json(out.set("version", 3));
}

std::string
vm_config_text(const store::VmSpec& spec, const osbuild::ImageInfo& image, const HostSays& host)
{
  Json head = Json::object();
  head.set("spec_version", 1).set("os_image_hash", image.image_hash);
  Json out = measure::to_json(host.machine, std::move(head));
  if (!host.qemu_version.empty()) out.set("qemu_version", host.qemu_version);
  out.set("host_share_mode", "vhd").set("image", spec.image.name);
  if (!host.mr_config.empty()) out.set("mr_config", host.mr_config);
  for (const auto& [name, value] : host.documents.members())
    out.set(name, value);
  return codec::write_json(out);
}

} // namespace dstack::cli
