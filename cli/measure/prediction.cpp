#include "cli/measure/prediction.hpp"

namespace dstack::cli {

namespace {

attest::TdxRegisters registers_of(const measure::TdxPrediction& prediction, const AppInputs& app)
{
  attest::TdxRegisters out;
  out.mrtd = prediction.mrtd;
  std::copy(prediction.rtmr.begin(), prediction.rtmr.end(), out.rtmr.begin());
  out.rtmr[3] = app.rtmr3.value_or(crypto::Sha384Digest{});
  std::copy(app.mr_config_id.begin(), app.mr_config_id.end(), out.mr_config_id.begin());
  return out;
}

/// What decides an event that is not the same for all.
std::string_view cause_of(std::string_view event)
{
  if (event == "td-hob") return "memory, firmware";
  if (event == "cfv") return "firmware";
  if (event.starts_with("acpi-")) return "QEMU, CPUs, devices, memory below 2816M";
  if (event == "kernel") return "kernel, header as served";
  if (event == "cmdline" || event == "initrd") return "image";
  return "the same for all";
}

} // namespace

codec::Json prediction_json(const measure::TdxShape& shape,
                            const measure::TdxPrediction& prediction,
                            const AppInputs& app)
{
  codec::Json out = codec::Json::object();
  out.set("inputs", inputs_json(shape)).set("mrtd", hex(prediction.mrtd));
  codec::Json events = codec::Json::array();
  for (std::size_t i = 0; i < prediction.rtmr.size(); ++i) {
    out.set(fmt::format("rtmr{}", i), hex(prediction.rtmr[i]));
    for (const measure::BootEvent& event : prediction.events[i])
      events.push(codec::Json::object()
                      .set("register", fmt::format("rtmr{}", i))
                      .set("event", event.name)
                      .set("digest", hex(event.digest)));
  }
  const attest::TdxRegisters registers = registers_of(prediction, app);
  out.set("mr_system_without_key_provider", hex(attest::mr_system(registers, {})));
  if (!app.mr_config_id.empty()) out.set("mr_config_id", hex(app.mr_config_id));
  if (app.rtmr3) out.set("mr_aggregated", hex(attest::mr_aggregated(registers)));
  return out.set("events", std::move(events));
}

void print_row(Console& ui, std::string_view name, std::string_view value)
{
  ui.line(fmt::format("{:<14} {}", name, value));
}

void print_prediction(Console& ui,
                      const measure::TdxPrediction& prediction,
                      const AppInputs& app)
{
  print_row(ui, "MRTD", hex(prediction.mrtd));
  for (std::size_t i = 0; i < prediction.rtmr.size(); ++i)
    print_row(ui, fmt::format("RTMR{}", i), hex(prediction.rtmr[i]));
  const attest::TdxRegisters registers = registers_of(prediction, app);
  print_row(ui, "mr_system", hex(attest::mr_system(registers, {})));
  print_row(ui, "", "of an app without a key provider");
  if (!app.mr_config_id.empty()) print_row(ui, "mr_config_id", hex(app.mr_config_id));
  if (app.rtmr3) {
    print_row(ui, "mr_aggregated", hex(attest::mr_aggregated(registers)));
    return;
  }
  print_row(ui, "mr_aggregated", "SHA-256 of MRTD, RTMR0 to RTMR3 and, unless all are zero,");
  print_row(ui, "", "MRCONFIGID, MROWNER, MROWNERCONFIG; RTMR3 is the app's: --rtmr3");
}

void print_events(Console& ui, const measure::TdxPrediction& prediction)
{
  for (std::size_t i = 0; i < prediction.events.size(); ++i)
    for (const measure::BootEvent& event : prediction.events[i])
      ui.line(fmt::format("RTMR{}  {:<19} {}  {}", i, event.name, hex(event.digest),
                          cause_of(event.name)));
}

} // namespace dstack::cli
