#include "attest/ratls_write.hpp"

#include "attest/ccel.hpp"
#include "x509/der.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

constexpr std::string_view arc = "1.3.6.1.4.1.62397.1.";

x509::Extension extension(int number, ByteView content)
{
  return {fmt::format("{}{}", arc, number), x509::der::octet_string(content), false};
}

} // namespace

Attestation stripped(const Attestation& attestation)
{
  Attestation out = attestation;
  if (out.platform != Platform::tdx) return out;
  std::erase_if(out.event_log, [](const TdxEvent& event) {
    return event.imr != runtime_register && !is_acpi_data(event);
  });
  return out;
}

x509::Extension attestation_extension(const Attestation& attestation)
{
  return extension(8, encode(stripped(attestation)));
}

std::vector<x509::Extension> legacy_extensions(const Attestation& attestation)
{
  const auto is_v1 = [](const RuntimeEvent& event) { return event.version == EventVersion::v1; };
  if (attestation.platform != Platform::tdx || attestation.quote.empty() ||
      !std::all_of(attestation.runtime_events.begin(), attestation.runtime_events.end(), is_v1))
    return {};
  const std::string log = codec::write_json(to_json(stripped(attestation).event_log));
  return {extension(1, attestation.quote), extension(2, as_bytes(log))};
}

x509::Extension app_id_extension(ByteView app_id)
{
  return extension(3, app_id);
}

x509::Extension usage_extension(std::string_view usage)
{
  return extension(4, as_bytes(usage));
}

x509::Extension app_info_extension(const AppInfo& info)
{
  return extension(9, encode(info));
}

} // namespace dstack::attest
