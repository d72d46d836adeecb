#include "cli/verify/question.hpp"

#include "cli/collateral.hpp"
#include "cli/deploy/app.hpp"
#include "cli/images.hpp"
#include "cli/measure/material.hpp"
#include "measure/expected.hpp"
#include "tee/sim_image.hpp"
#include "x509/read.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t report_data_size = 64;
constexpr std::size_t max_certificate_file = std::size_t{4} << 20U;

Result<verify::Expectation> report_data(std::string_view source, Bytes value)
{
  if (value.size() > report_data_size)
    return fail(Errc::usage, "{}: {} bytes (report data has 64)", source, value.size());
  value.resize(report_data_size, 0);
  return verify::Expectation{"report-data", "the report data is what was asked for", hex(value),
                             std::string{source}, ""};
}

/// "text:…" is the text itself, anything else hex.
Result<Bytes> text_or_hex(std::string_view word)
{
  constexpr std::string_view prefix = "text:";
  if (word.starts_with(prefix)) return to_bytes(word.substr(prefix.size()));
  return as_usage(parse_hex(word.starts_with("0x") ? word.substr(2) : word));
}

Result<verify::Expectation> certificate_key(const std::string& file)
{
  const Bytes text = TRY(sys::read_file(file, max_certificate_file));
  const Bytes der = TRY(x509::first_certificate(text).within("{}", file));
  const auto certificate = TRY(x509::read_certificate(der).within("{}", file));
  auto out = TRY(report_data(fmt::format("--tls {}", file),
                             to_bytes(attest::ratls_report_data(certificate.spki))));
  out.title = "the quote vouches for the certificate's key";
  return out;
}

Status read_report_data(const QuestionOptions& o, verify::Expectations& out)
{
  const int given =
      (o.nonce.empty() ? 0 : 1) + (o.report_data.empty() ? 0 : 1) + (o.tls.empty() ? 0 : 1);
  if (given > 1) return fail(Errc::usage, "give one of --nonce, --report-data and --tls");
  if (!o.nonce.empty()) {
    const Bytes nonce = TRY(text_or_hex(o.nonce).within("--nonce"));
    out.report_data = TRY(report_data("--nonce", nonce));
    // As 'dstack quote get' has it answered.
    out.report_data->or_value = hex(attest::host_quote_report_data(nonce));
    out.report_data->title = "the quote answers the nonce";
  }
  if (!o.report_data.empty())
    out.report_data =
        TRY(report_data("--report-data", TRY(text_or_hex(o.report_data).within("--report-data"))));
  if (!o.tls.empty()) out.report_data = TRY(certificate_key(o.tls));
  return ok();
}

Result<verify::Expectation> expected_compose(const std::string& file)
{
  auto hash = compose_hash_of(file);
  if (!hash)
    return fail(hash.error().code(),
                "{}\n--compose takes the app-compose.json ('dstack inspect NAME' says where it is) "
                "or a bundle of 'dstack app pack'",
                hash.error().message());
  return verify::Expectation{"app.compose-hash", "the compose file is the one that runs",
                             *std::move(hash), fmt::format("--compose {}", file), ""};
}

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

Status
predict_tdx(const ImageFiles& image, const codec::Json& config, verify::ImageExpectation& out)
{
  const measure::Candidates candidates = measure::candidates_of(config);
  TdxNeeds needs;
  needs.pages = {measure::PageOrder::two_pass, measure::PageOrder::single_pass};
  for (const measure::KernelForm form : measure::kernel_forms(candidates))
    needs.kernels.insert(form);
  const measure::TdxMaterial material = TRY(tdx_material(image, needs));
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
predict_snp(const ImageFiles& image, const codec::Json& config, verify::ImageExpectation& out)
{
  const measure::SnpImage material = TRY(snp_material(image));
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
    return predict_snp(image, vm.config, out);
  }
  bug("TEE");
}

} // namespace

Result<std::string> compose_hash_of(const std::string& file)
{
  const Bytes raw = TRY(sys::read_file(file, compose::max_app_compose_bytes));
  if (trim(as_text(raw)).starts_with('{')) return hex(compose::compose_hash(raw));
  return TRY(read_packed_app(file)).compose_hash;
}

void add_identity_options(Leaf& leaf, QuestionOptions& o)
{
  leaf.option("--policy", o.policy, "POLICY", "strict, permissive, or a TOML file")
      .fallback("strict")
      .group("What must hold");
  leaf.flag("--allow-simulated", o.allow_simulated, "Accept evidence of a simulated TEE")
      .group("What must hold");
  leaf.file("--compose", o.compose, "App-compose.json or bundle that must be the one that runs")
      .group("What must hold");
  leaf.option("--app-id", o.app_id, "HEX", "The app it must be").group("What must hold");
  leaf.option("--image", o.image, "IMAGE",
              "OS image that must have booted: name, directory or hash")
      .completes(image_candidates)
      .group("What must hold");
}

void add_question_options(Leaf& leaf, QuestionOptions& o)
{
  add_identity_options(leaf, o);
  leaf.option("--nonce", o.nonce, "HEX", "Challenge the evidence must answer, padded with zeros")
      .group("What must hold");
  leaf.option("--report-data", o.report_data, "HEX", "Report data, hex or text:…")
      .group("What must hold");
  leaf.file("--tls", o.tls, "Certificate whose key the quote must vouch for")
      .group("What must hold");
  leaf.option("--at", o.at, "TIME", "Judge as of this time (UTC or Unix seconds); default is now");
}

Result<verify::Policy> read_policy(const std::string& word)
{
  if (word.empty() || word == "strict") return verify::strict_policy();
  if (word == "permissive") return verify::permissive_policy();
  const auto text = sys::read_text(word, verify::max_policy);
  if (!text)
    return fail(Errc::usage, "--policy: {} (want strict, permissive or a file)",
                text.error().message());
  return as_usage(verify::policy_from_toml(*text, sys::fs::path{word}.filename().string()));
}

Result<verify::Question> question_of(const QuestionOptions& o, const Context& ctx)
{
  verify::Question out;
  out.policy = TRY(read_policy(o.policy));
  if (o.allow_simulated) out.policy.allow_simulated = true;
  out.at = TRY(point_in_time(o.at, ctx));
  TRY(read_report_data(o, out.expectations));
  if (!o.compose.empty()) out.expectations.compose_hash = TRY(expected_compose(o.compose));
  if (!o.app_id.empty()) {
    TRY(as_usage(parse_hex_array<20>(o.app_id).within("--app-id")));
    out.expectations.app_id = verify::Expectation{"app.id", "the app is the one asked for",
                                                  lower(o.app_id), "--app-id", ""};
  }
  return out;
}

Result<DescribedVm> described_vm(const attest::Evidence& evidence, bool simulated)
{
  DescribedVm out;
  const bool snp = evidence.attestation.platform == attest::Platform::amd_sev_snp;
  if (!simulated) out.tee = snp ? store::Tee::snp : store::Tee::tdx;
  const std::string text = TRY(attest::vm_config_of(evidence.attestation));
  const codec::Json config = TRY(codec::parse_json(text).within("vm_config"));
  // Beside names, apps and documents of the image.
  for (const std::string_view name :
       {"cpu_count", "memory_size", "qemu_version", "qemu_single_pass_add_pages", "pic",
        "pci_hole64_size", "hotplug_off", "num_nics", "num_verity_volumes", "num_gpus",
        "num_nvswitches", "hugepages", "numa_node_gpus", "swtpm"})
    if (const codec::Json* value = config.find(name); value != nullptr)
      out.config.set(name, *value);
  if (const codec::Json* snp_shape = config.find("sev_snp_measurement");
      snp_shape != nullptr && snp)
    out.config.set("sev_snp_measurement", *snp_shape);
  return out;
}

std::string key_of(const DescribedVm& vm)
{
  return fmt::format("{} {}", store::name_of(vm.tee), codec::write_json(vm.config));
}

Result<verify::ImageExpectation>
expected_image(const std::string& word, const Context& ctx, const DescribedVm& vm)
{
  verify::ImageExpectation out;
  out.source = fmt::format("--image {}", word);
  if (parse_hex_array<32>(word)) {
    out.os_image_hash = lower(word);
    out.not_predicted = {"mrtd", "rtmr0", "rtmr1", "rtmr2"};
    if (vm.tee == store::Tee::snp) out.not_predicted = {"measurement"};
    return out;
  }
  const sys::fs::path directory = TRY(find_image(ctx, word));
  const auto info = TRY(verify_image_cached(ctx, directory).within("--image {}", word));
  out.os_image_hash = info.image_hash;
  TRY(predict(TRY(open_image_directory(directory)), vm, out).within("--image {}", word));
  return out;
}

} // namespace dstack::cli
