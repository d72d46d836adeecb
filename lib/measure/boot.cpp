#include "measure/boot.hpp"

#include "codec/json_list.hpp"

namespace dstack::measure {

using attest::TdxEvent;
using codec::Json;

namespace {

constexpr std::uint32_t ev_event_tag = 6; // TCG PC Client, EV_EVENT_TAG

TdxEvent boot_event(std::uint32_t imr, std::string_view name, const crypto::Sha384Digest& digest)
{
  TdxEvent out;
  out.imr = imr;
  out.type = ev_event_tag;
  out.digest = digest;
  out.name = std::string{name};
  return out;
}

} // namespace

crypto::Sha384Digest shape_digest(const VmShape& shape)
{
  return crypto::sha384(as_bytes(codec::write_json(
      Json{}.set("cpus", std::int64_t{shape.cpus}).set("memory_bytes", shape.memory_bytes))));
}

Result<BootMeasurement> simulated_boot(const BootInputs& inputs)
{
  return simulated_boot(inputs, TRY(mrtd(inputs.firmware, PageOrder::single_pass).within("MRTD")));
}

Result<BootMeasurement> simulated_boot(const BootInputs& inputs, const crypto::Sha384Digest& mrtd)
{
  BootMeasurement out;
  out.mrtd = mrtd;
  out.events = {
      boot_event(0, "sim-vm-shape", shape_digest(inputs.shape)),
      boot_event(1, "sim-kernel", inputs.kernel),
      boot_event(2, "sim-cmdline", cmdline_digest(inputs.cmdline)),
      boot_event(2, "sim-initrd", inputs.initrd),
  };
  for (std::uint32_t i = 0; i < 3; ++i)
    out.rtmr[i] = TRY(attest::replay(out.events, i));
  return out;
}

Json to_json(const BootMeasurement& boot)
{
  return Json{}
      .set("mrtd", hex(boot.mrtd))
      .set("rtmr", codec::list_of(boot.rtmr, hex))
      .set("events", attest::to_json(boot.events));
}

Result<BootMeasurement> boot_from_json(const Json& json)
{
  BootMeasurement out;
  out.mrtd = TRY(parse_hex_array<48>(TRY(json.need_string("mrtd"))).within("mrtd"));
  const auto registers = TRY(json.get_strings("rtmr"));
  if (registers.size() != out.rtmr.size())
    return fail(Errc::malformed, "'rtmr' has {} values (want 4)", registers.size());
  for (std::size_t i = 0; i < out.rtmr.size(); ++i)
    out.rtmr[i] = TRY(parse_hex_array<48>(registers[i]).within("rtmr {}", i));
  out.events = TRY(attest::log_from_json(*TRY(json.need_array("events"))).within("events"));
  return out;
}

} // namespace dstack::measure
