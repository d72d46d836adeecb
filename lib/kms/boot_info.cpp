#include "kms/boot_info.hpp"

#include "attest/aggregates.hpp"
#include "base/text.hpp"
#include "verify/proven.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

using codec::Json;

/// vm_config comes from the caller: a few hundred bytes when it is honest.
constexpr codec::JsonLimits vm_config_limits{std::size_t{1} << 20U, 16, 20'000};

Result<Json> vm_config_json(std::string_view text)
{
  if (text.empty()) return Json::object();
  return codec::parse_json(text, vm_config_limits);
}

/// The text of the vm_config inside, when this is a sys-config around one.
Result<Json> unwrapped(Json json)
{
  const Json* inner = json.find("vm_config");
  if (inner == nullptr || !inner->is_string()) return json;
  const std::string text = inner->text();
  return vm_config_json(text);
}

/// Ids stand in front of fixed words in every derivation: no other sizes get that far.
Status check_sizes(const BootInfo& info)
{
  if (info.app_id.size() != app_id_size)
    return fail(Errc::untrusted, "app id of {} bytes (want {})", info.app_id.size(), app_id_size);
  if (!info.instance_id.empty() && info.instance_id.size() != app_id_size)
    return fail(Errc::untrusted, "instance id of {} bytes (want {} or none)",
                info.instance_id.size(), app_id_size);
  if (info.compose_hash.size() != hash_size)
    return fail(Errc::untrusted, "compose hash of {} bytes (want {})", info.compose_hash.size(),
                hash_size);
  return ok();
}

void set_status(const ProvenStatus& status, BootInfo& out)
{
  out.tcb_status = status.tcb_status;
  out.advisory_ids = status.advisory_ids;
  out.simulated = status.simulated;
}

Result<Bytes> hex_member(const Json& json, std::string_view key, std::size_t size, bool optional)
{
  std::string text = TRY(optional ? json.get_string(key, "") : json.need_string(key));
  if (text.starts_with("0x")) text.erase(0, 2);
  Bytes out = TRY(parse_hex(text).within("{}", key));
  if (out.size() == size || size == 0 || (out.empty() && optional)) return out;
  return fail(Errc::malformed, "{} has {} bytes (want {})", key, out.size(), size);
}

Status read_registers(const Json& json, BootInfo& out)
{
  const Json* registers = json.find("registers");
  if (registers == nullptr) return ok();
  if (!registers->is_object()) return fail(Errc::malformed, "registers is not an object");
  for (const auto& [name, value] : registers->members())
    out.registers.emplace_back(
        name, hex(TRY(parse_hex(TRY(value.as_string())).within("registers.{}", printable(name)))));
  return ok();
}

/// What is missing stays zero: a chip that hides its id names no device.
template <std::size_t N> std::array<std::uint8_t, N> fixed(ByteView from)
{
  std::array<std::uint8_t, N> out{};
  std::copy_n(from.begin(), std::min(from.size(), N), out.begin());
  return out;
}

} // namespace

std::string_view name_of(Role role)
{
  return role == Role::app ? "app" : "kms";
}

const std::string* BootInfo::find_register(std::string_view name) const
{
  const auto at = std::find_if(registers.begin(), registers.end(),
                               [&](const auto& one) { return one.first == name; });
  return at == registers.end() ? nullptr : &at->second;
}

Json to_json(const BootInfo& info)
{
  Json advisories = Json::array();
  for (const std::string& id : info.advisory_ids)
    advisories.push(id);
  return Json::object()
      .set("teeVariant", info.tee_variant)
      .set("mrAggregated", hex(info.mr_aggregated))
      .set("osImageHash", hex(info.os_image_hash))
      .set("mrSystem", hex(info.mr_system))
      .set("appId", hex(info.app_id))
      .set("composeHash", hex(info.compose_hash))
      .set("instanceId", hex(info.instance_id))
      .set("deviceId", hex(info.device_id))
      .set("keyProviderInfo", hex(info.key_provider_info))
      .set("tcbStatus", info.tcb_status)
      .set("advisoryIds", std::move(advisories));
}

std::string to_text(const BootInfo& info)
{
  return codec::write_json(to_json(info));
}

Json to_record(const BootInfo& info)
{
  Json registers = Json::object();
  for (const auto& [name, value] : info.registers)
    registers.set(name, value);
  return to_json(info).set("simulated", info.simulated).set("registers", std::move(registers));
}

Result<BootInfo> boot_info_from_json(const Json& json)
{
  if (!json.is_object()) return fail(Errc::malformed, "not a JSON object");
  BootInfo out;
  out.tee_variant = TRY(json.need_string("teeVariant"));
  out.mr_aggregated = TRY(hex_member(json, "mrAggregated", hash_size, false));
  out.os_image_hash = TRY(hex_member(json, "osImageHash", hash_size, true));
  out.mr_system = TRY(hex_member(json, "mrSystem", hash_size, true));
  out.app_id = TRY(hex_member(json, "appId", app_id_size, false));
  out.compose_hash = TRY(hex_member(json, "composeHash", hash_size, false));
  out.instance_id = TRY(hex_member(json, "instanceId", app_id_size, true));
  out.device_id = TRY(hex_member(json, "deviceId", hash_size, true));
  out.key_provider_info = TRY(hex_member(json, "keyProviderInfo", 0, true));
  out.tcb_status = TRY(json.get_string("tcbStatus", ""));
  out.advisory_ids = TRY(json.get_strings("advisoryIds"));
  out.simulated = TRY(json.get_bool("simulated", false));
  TRY(read_registers(json, out));
  return out;
}

Result<Bytes> claimed_image_hash(std::string_view requested_vm_config,
                                 std::string_view attested_config)
{
  const bool requested = !requested_vm_config.empty();
  Json outer = TRY(vm_config_json(requested ? requested_vm_config : attested_config)
                       .within("{}", requested ? "vm_config" : "config of the attestation"));
  const Json json = TRY(unwrapped(std::move(outer)).within("vm_config"));
  if (!json.is_object()) return fail(Errc::malformed, "vm_config: not a JSON object");
  const std::string text = TRY(json.get_string("os_image_hash", "").within("vm_config"));
  Bytes out = TRY(parse_hex(text).within("vm_config: os_image_hash"));
  if (!out.empty() && out.size() != hash_size)
    return fail(Errc::malformed, "vm_config: os_image_hash has {} bytes (want {})", out.size(),
                hash_size);
  return out;
}

Result<BootInfo> boot_info_of(const ProvenTdx& proven,
                              const ProvenStatus& status,
                              const Bytes& os_image_hash,
                              Replay replay)
{
  const attest::Identity identity = TRY(attest::identity_of(proven.events));
  if (proven.ppid.empty()) return fail(Errc::untrusted, "the quote's platform has no PPID");
  attest::TdxRegisters registers = proven.registers;
  BootInfo out;
  if (replay == Replay::to_boot_mr_done)
    registers.rtmr[attest::runtime_register] = attest::replay_boot(proven.events);
  else
    out.key_provider_info = identity.key_provider;
  out.tee_variant = attest::name_of(attest::Platform::tdx);
  out.mr_aggregated = to_bytes(attest::mr_aggregated(registers));
  out.os_image_hash = os_image_hash;
  out.mr_system = to_bytes(attest::mr_system(registers, out.key_provider_info));
  out.app_id = identity.app_id;
  out.compose_hash = identity.compose_hash;
  out.instance_id = identity.instance_id;
  out.device_id = to_bytes(crypto::sha256(proven.ppid));
  out.registers = {{"mrtd", hex(registers.mrtd)},
                   {"rtmr0", hex(registers.rtmr[0])},
                   {"rtmr1", hex(registers.rtmr[1])},
                   {"rtmr2", hex(registers.rtmr[2])}};
  set_status(status, out);
  TRY(check_sizes(out));
  return out;
}

Result<BootInfo>
boot_info_of(const ProvenSnp& proven, const ProvenStatus& status, const Bytes& os_image_hash)
{
  if (proven.mr_config.empty())
    return fail(Errc::untrusted, "the evidence has no MR_CONFIG document: it names no app");
  if (!equal(attest::mr_config_v3_hash(proven.mr_config), proven.host_data))
    return fail(Errc::untrusted, "HOST_DATA is not the hash of the MR_CONFIG document");
  const attest::Identity identity = TRY(attest::identity_of_mr_config(proven.mr_config));
  BootInfo out;
  out.tee_variant = attest::name_of(attest::Platform::amd_sev_snp);
  const auto aggregates = attest::snp_aggregates(proven.measurement, proven.host_data);
  out.mr_aggregated = to_bytes(aggregates.mr_aggregated);
  out.os_image_hash = os_image_hash;
  out.mr_system = to_bytes(aggregates.mr_system);
  out.app_id = identity.app_id;
  out.compose_hash = identity.compose_hash;
  out.instance_id = identity.instance_id;
  // One hidden id is like any other: it names no device.
  const bool hidden = std::all_of(proven.chip_id.begin(), proven.chip_id.end(),
                                  [](std::uint8_t byte) { return byte == 0; });
  if (!hidden) out.device_id = to_bytes(crypto::sha256(proven.chip_id));
  out.key_provider_info = identity.key_provider;
  out.registers = {{"measurement", hex(proven.measurement)}};
  set_status(status, out);
  TRY(check_sizes(out));
  return out;
}

Result<BootInfo> boot_info_of_proven(const verify::Proven& proven,
                                     std::string_view requested_vm_config,
                                     Replay replay)
{
  const Bytes image = TRY(claimed_image_hash(requested_vm_config, proven.vm_config));
  const verify::Subject& subject = proven.subject;
  const ProvenStatus status{subject.tcb_status, subject.advisory_ids, subject.simulated};
  if (proven.registers)
    return boot_info_of(ProvenTdx{*proven.registers, proven.events, subject.platform_id}, status,
                        image, replay);
  if (proven.platform != attest::Platform::tdx && proven.platform != attest::Platform::amd_sev_snp)
    return fail(Errc::unsupported, "evidence of {} cannot be judged", name_of(proven.platform));
  if (proven.measurement.empty())
    return fail(Errc::untrusted, "nothing is proven about the caller");
  return boot_info_of(ProvenSnp{fixed<48>(proven.measurement), fixed<32>(proven.host_data),
                                fixed<64>(subject.platform_id), proven.mr_config},
                      status, image);
}

} // namespace dstack::kms
