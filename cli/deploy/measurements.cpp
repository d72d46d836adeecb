#include "cli/deploy/measurements.hpp"

#include "base/text.hpp"
#include "cli/control.hpp"

#include <array>

namespace dstack::cli {

namespace {

using Field = std::string Measurements::*;

constexpr std::array<std::pair<std::string_view, Field>, 6> fields{
    {{"mrtd", &Measurements::mrtd},
     {"rtmr0", &Measurements::rtmr0},
     {"rtmr1", &Measurements::rtmr1},
     {"rtmr2", &Measurements::rtmr2},
     {"rtmr3", &Measurements::rtmr3},
     {"mr_aggregated", &Measurements::mr_aggregated}}};

} // namespace

Result<Measurements> guest_measurements(const store::VmRecord& vm)
{
  const codec::Json info = TRY(Control{vm.paths()}.guest("Info", codec::Json::object()));
  Measurements out;
  out.instance_id = printable(TRY(info.get_string("instance_id", "")));
  const std::string tcb_text = TRY(info.get_string("tcb_info", ""));
  if (tcb_text.empty())
    return fail(Errc::not_found, "the app does not publish its TCB information");
  const codec::Json tcb = TRY(codec::parse_json(tcb_text).within("tcb_info"));
  for (const auto& [name, field] : fields)
    out.*field = printable(TRY(tcb.get_string(name, "")));
  return out;
}

codec::Json measurements_json(const Measurements& measurements)
{
  codec::Json out = codec::Json::object();
  for (const auto& [name, field] : fields)
    out.set(name, measurements.*field);
  return out;
}

void print_measurements(Console& ui, const Measurements& measurements)
{
  for (const auto& [name, field] : fields)
    if (!(measurements.*field).empty())
      ui.line(fmt::format("{:<13} {}", name, measurements.*field));
}

} // namespace dstack::cli
