#include "cli/measure/suspects.hpp"

#include "cli/images.hpp"
#include "measure/boot.hpp"
#include "measure/expected.hpp"
#include "tee/sim_image.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t max_others = 32;
constexpr std::string_view document_label = "the evidence's document";

void add(measure::Suspects& to, ImageSuspects&& from)
{
  to.firmwares.push_back(std::move(from.firmware));
  to.kernels.push_back(std::move(from.kernel));
  to.cmdlines.push_back(std::move(from.cmdline));
  to.initrds.push_back(std::move(from.initrd));
}

Status add_simulated(measure::SimulatedSuspects& to, const ImageFiles& image)
{
  const auto boot = TRY(tee::simulated_image_boot(image.directory, image.metadata, {1, 1}));
  for (const attest::TdxEvent& event : boot.events) {
    const crypto::Sha384Digest digest = event.digest.value_or(crypto::Sha384Digest{});
    if (event.name == "sim-kernel") to.kernels.push_back({image.name, digest});
    if (event.name == "sim-cmdline") to.cmdlines.push_back({image.name, digest});
    if (event.name == "sim-initrd") to.initrds.push_back({image.name, digest});
  }
  to.firmwares.push_back({image.name, boot.mrtd});
  return ok();
}

/// The images of this user but for the one that is asked about; damaged ones are passed over.
std::vector<ImageFiles> other_images(const Context& ctx, const sys::fs::path& own)
{
  std::vector<ImageFiles> out;
  std::error_code code;
  for (const std::string& name : image_names(ctx)) {
    const sys::fs::path directory = ctx.images_dir() / name;
    if (out.size() == max_others || sys::fs::equivalent(directory, own, code)) continue;
    auto image = open_image_directory(directory);
    if (image) out.push_back(*std::move(image));
  }
  return out;
}

/// The measurement document that hosts put into vm_config for verifiers without the image.
Result<ImageSuspects> document_suspects(const codec::Json& vm_config)
{
  const codec::Json* carried = vm_config.find("tdx_measurement");
  if (carried == nullptr || !carried->is_object())
    return fail(Errc::usage, "--image is needed: the evidence carries no measurement document");
  const auto read = TRY(measure::read_carried(*carried).within("tdx_measurement"));
  const auto document = TRY(measure::parse_tdx_document(read.document).within("tdx_measurement"));
  TRY(measure::check_ovmf_variant(document.ovmf_variant));
  const std::string label{document_label};
  ImageSuspects out;
  out.firmware.label = label;
  out.firmware.hob = TRY(measure::parse_witness(document.td_hob));
  out.firmware.cfv = measure::published_cfv_digest();
  out.firmware.mrtd = {{measure::PageOrder::single_pass, document.mrtd_single_pass},
                       {measure::PageOrder::two_pass, document.mrtd_two_pass}};
  out.kernel.label = label;
  out.kernel.normalised = document.kernel_header_normalized;
  out.kernel.digest = [document](measure::KernelForm form) -> Result<crypto::Sha384Digest> {
    const measure::KernelForm known =
        document.kernel_header_normalized ? 0 : measure::serving_class(std::uint64_t{1} << 31U);
    if (form == known) return document.kernel_event;
    return fail(Errc::unsupported, "the measurement document has the kernel's digest for memory "
                                   "of 2G or at least 2816M and QEMU up to 10.1 only: --image");
  };
  out.cmdline = {label, document.cmdline_event};
  out.initrd = {label, document.initrd_event};
  return out;
}

Result<Diagnosed> diagnose_simulated(const EvidenceFacts& facts,
                                     const Stated& stated,
                                     const std::string& word,
                                     Context& ctx)
{
  const ImageFiles image = TRY(open_image(ctx, word));
  measure::SimulatedSuspects suspects;
  suspects.stated = stated.shape;
  TRY(add_simulated(suspects, image));
  Diagnosed out{TRY(measure::diagnose(suspects, facts.observed)), image.name, {}};
  if (verdict_of(out.diagnosis) != measure::Fit::nothing) return out;
  for (const ImageFiles& other : other_images(ctx, image.directory))
    if (add_simulated(suspects, other)) out.others.push_back(other.name);
  if (!out.others.empty()) out.diagnosis = TRY(measure::diagnose(suspects, facts.observed));
  return out;
}

Result<Diagnosed> diagnose_tdx(const EvidenceFacts& facts,
                               const Stated& stated,
                               const std::string& word,
                               Context& ctx)
{
  Diagnosed out;
  measure::Suspects suspects;
  suspects.stated = stated.shape;
  sys::fs::path own;
  if (word.empty()) {
    add(suspects, TRY(document_suspects(stated.vm_config)));
    out.image = std::string{document_label};
  } else {
    const ImageFiles image = TRY(open_image(ctx, word));
    add(suspects, TRY(image_suspects(image)));
    out.image = image.name;
    own = image.directory;
  }
  out.diagnosis = TRY(measure::diagnose(suspects, facts.observed));
  if (verdict_of(out.diagnosis) != measure::Fit::nothing) return out;
  for (const ImageFiles& other : other_images(ctx, own)) {
    auto more = image_suspects(other);
    if (!more) continue; // firmware or kernel of another kind: nothing a TDX guest boots
    add(suspects, *std::move(more));
    out.others.push_back(other.name);
  }
  if (!out.others.empty()) out.diagnosis = TRY(measure::diagnose(suspects, facts.observed));
  return out;
}

} // namespace

Result<Stated> stated_vm(const attest::Evidence& evidence,
                         const ShapeOptions& options,
                         const std::string& image,
                         const Context& ctx)
{
  Stated out;
  const std::string text = TRY(attest::vm_config_of(evidence.attestation));
  out.vm_config = TRY(codec::parse_json(text).within("vm_config"));
  measure::VmConfig vm = default_vm();
  const bool claimed = out.vm_config.find("cpu_count") != nullptr;
  if (claimed) vm = TRY(measure::parse_vm_config(out.vm_config).within("vm_config"));
  const bool typed = std::any_of(options.values.begin(), options.values.end(),
                                 [](const std::string& value) { return !value.empty(); });
  TRY(apply(options, vm));
  std::vector<measure::VmConfig> machines{vm};
  if (!image.empty()) TRY(add_kernel_source(TRY(open_image(ctx, image)), machines));
  out.shape = TRY(measure::shape_of(machines.front()));
  out.source = claimed ? "the evidence's vm_config" : "defaults: the evidence has no vm_config";
  if (typed) out.source = fmt::format("options, then {}", out.source);
  if (!vm.qemu)
    out.source += fmt::format("; QEMU {} is assumed", measure::text_of(measure::assumed_qemu));
  return out;
}

Result<Diagnosed> diagnose_evidence(const EvidenceFacts& facts,
                                    const Stated& stated,
                                    const std::string& image,
                                    Context& ctx)
{
  return facts.simulated ? diagnose_simulated(facts, stated, image, ctx)
                         : diagnose_tdx(facts, stated, image, ctx);
}

} // namespace dstack::cli
