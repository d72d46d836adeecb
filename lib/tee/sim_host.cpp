#include "tee/sim_host.hpp"

#include "codec/json_list.hpp"
#include "tee/sim_provider.hpp"

#include <algorithm>

namespace dstack::tee {

using codec::Json;

SimTee::SimTee(SimAuthority authority, measure::BootMeasurement boot, const Bytes& mr_config_id)
    : authority_(std::move(authority)), boot_(std::move(boot))
{
  DSTACK_ASSERT(mr_config_id.size() == registers_.mr_config_id.size());
  std::copy(mr_config_id.begin(), mr_config_id.end(), registers_.mr_config_id.begin());
  registers_.mrtd = boot_.mrtd;
  reset();
}

void SimTee::reset()
{
  registers_.rtmr = boot_.rtmr;
}

namespace {

Result<Json> extend(attest::TdxRegisters& registers, const Json& params)
{
  const std::uint64_t index = TRY(params.need_u64("index"));
  // A TDX guest may extend RTMR2 and RTMR3 only.
  if (index != 2 && index != 3) return fail(Errc::denied, "RTMR{} cannot be extended", index);
  const auto digest =
      TRY(parse_hex_array<48>(TRY(params.need_string("digest"))).within("'digest'"));
  attest::Register value = attest::Register::of(registers.rtmr[index]);
  value.extend(digest);
  registers.rtmr[index] = value.value();
  return Json{};
}

} // namespace

Result<Json> SimTee::handle(std::string_view method, const Json& params)
{
  if (method == "Tee.Boot")
    return measure::to_json(boot_).set("mr_config_id", hex(registers_.mr_config_id));
  if (method == "Tee.Extend") return extend(registers_, params);
  if (method == "Tee.Quote") {
    const auto data =
        TRY(parse_hex_array<64>(TRY(params.need_string("report_data"))).within("'report_data'"));
    return Json{}.set("quote", hex(authority_.quote(registers_, data)));
  }
  if (method == "Tee.SealingKey") {
    const std::string app_id = TRY(params.need_string("app_id"));
    const std::string instance_id = TRY(params.get_string("instance_id", ""));
    const auto key = authority_.sealing_key(app_id, instance_id);
    return Json{}.set("key", hex(key.view()));
  }
  if (method == "GetSealingKey") return provide_sealing_key(authority_, registers_, params);
  if (method == "Tee.Root") return Json{}.set("root", hex(authority_.root()));
  return fail(Errc::unsupported, "the simulated TEE has no '{}'", method);
}

Json SimTee::save() const
{
  return Json{}
      .set("simulated", true)
      .set("mrtd", hex(registers_.mrtd))
      .set("rtmr", codec::list_of(registers_.rtmr, hex))
      .set("mr_config_id", hex(registers_.mr_config_id));
}

} // namespace dstack::tee
