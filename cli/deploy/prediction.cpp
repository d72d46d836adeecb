#include "cli/deploy/prediction.hpp"

#include "base/text.hpp"
#include "cli/measure/material.hpp"
#include "measure/inputs.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

std::string shown(std::string name)
{
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return name;
}

Result<Predicted> predict_tdx(const ImageFiles& image, const measure::VmConfig& machine)
{
  std::vector<measure::VmConfig> machines{machine};
  TRY(add_kernel_source(image, machines));
  const measure::TdxShape shape = TRY(measure::shape_of(machines.front()));
  TdxNeeds needs;
  add_need(needs, shape);
  const auto prediction = TRY(measure::predict_tdx(TRY(tdx_material(image, needs)), shape));
  Predicted out;
  out.registers.emplace_back("mrtd", hex(prediction.mrtd));
  for (std::size_t i = 0; i < prediction.rtmr.size(); ++i)
    out.registers.emplace_back(fmt::format("rtmr{}", i), hex(prediction.rtmr[i]));
  out.command = join(measure::option_words(shape), " ");
  return out;
}

Result<Predicted> predict_snp(const ImageFiles& image, const measure::VmConfig& machine)
{
  const measure::SnpShape shape{.cpus = machine.cpus};
  const auto digest = TRY(measure::snp_launch_digest(TRY(snp_material(image)), shape));
  return Predicted{{{"measurement", hex(digest)}},
                   fmt::format("--tee snp --cpus {}", machine.cpus)};
}

} // namespace

Result<Predicted> predict(const store::VmSpec& spec, const measure::VmConfig& machine)
{
  const bool snp = spec.tee == store::Tee::snp;
  if (!snp && !machine.qemu)
    return fail(Errc::unsupported, "this host's QEMU is of no released version");
  const ImageFiles image = TRY(open_image_directory(spec.image.path));
  Predicted out = TRY(snp ? predict_snp(image, machine) : predict_tdx(image, machine));
  out.command = fmt::format("dstack measure {} {}", spec.image.path.string(), out.command);
  return out;
}

codec::Json predicted_json(const Predicted& predicted)
{
  codec::Json out = codec::Json::object();
  for (const auto& [name, value] : predicted.registers)
    out.set(name, value);
  return out.set("command", predicted.command);
}

std::string predicted_text(const Predicted& predicted)
{
  std::string out = "predicted for this image and machine, reported by nothing yet:\n";
  for (const auto& [name, value] : predicted.registers)
    out += fmt::format("{:<11}  {}\n", shown(name), value);
  return out + predicted.command;
}

std::vector<std::string> not_as_predicted(const Predicted& predicted, const Measurements& measured)
{
  const codec::Json told = measurements_json(measured);
  std::vector<std::string> out;
  for (const auto& [name, value] : predicted.registers)
    if (const codec::Json* says = told.find(name); says != nullptr && says->text() != value)
      out.push_back(shown(name));
  return out;
}

} // namespace dstack::cli
