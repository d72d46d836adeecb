#include "tee/sim_guest.hpp"

#include "base/text.hpp"
#include "measure/boot.hpp"

#include <algorithm>

namespace dstack::tee {

using codec::Json;

namespace {

class Simulated : public Tee {
public:
  explicit Simulated(HostCall call) : call_(std::move(call)) {}

  std::string_view name() const override { return "sim"; }
  bool simulated() const override { return true; }

  Result<BootLog> boot() override
  {
    const Json answer = TRY(call_("Tee.Boot", Json::object()).within("simulated TEE"));
    auto boot = TRY(measure::boot_from_json(answer).within("simulated TEE"));
    BootLog out;
    out.registers.mrtd = boot.mrtd;
    out.registers.rtmr = boot.rtmr;
    const std::string config_id = TRY(answer.get_string("mr_config_id", ""));
    if (!config_id.empty()) out.registers.mr_config_id = TRY(parse_hex_array<48>(config_id));
    out.events = std::move(boot.events);
    return out;
  }

  Status extend(unsigned rtmr, const crypto::Sha384Digest& digest) override
  {
    Json params = Json{}.set("index", std::int64_t{rtmr}).set("digest", hex(digest));
    static_cast<void>(TRY(call_("Tee.Extend", std::move(params)).within("simulated TEE")));
    return ok();
  }

  Result<Bytes> quote(const ReportData& report_data) override
  {
    Json params = Json{}.set("report_data", hex(report_data));
    const Json answer = TRY(call_("Tee.Quote", std::move(params)).within("simulated TEE"));
    return parse_hex(TRY(answer.need_string("quote"))).within("simulated TEE: quote");
  }

  Result<std::optional<Secret<32>>> sealing_key(std::string_view app_id,
                                                std::string_view instance_id) override
  {
    Json params = Json{}.set("app_id", app_id).set("instance_id", instance_id);
    const Json answer = TRY(call_("Tee.SealingKey", std::move(params)).within("simulated TEE"));
    const auto raw = TRY(parse_hex_array<32>(TRY(answer.need_string("key"))));
    return std::optional<Secret<32>>{Secret<32>{raw}};
  }

  Result<dcap::Anchor> provider_root() override
  {
    const Json answer = TRY(call_("Tee.Root", Json::object()).within("simulated TEE"));
    const Bytes der = TRY(parse_hex(TRY(answer.need_string("root"))).within("simulated TEE: root"));
    auto anchor = TRY(dcap::Anchor::from_file(der).within("simulated TEE"));
    if (anchor.vendor() != dcap::simulated_vendor)
      return fail(Errc::untrusted, "the simulated TEE's root calls itself '{}'",
                  printable(anchor.vendor()));
    return anchor;
  }

private:
  HostCall call_;
};

} // namespace

std::unique_ptr<Tee> make_simulated(HostCall call)
{
  return std::make_unique<Simulated>(std::move(call));
}

} // namespace dstack::tee
