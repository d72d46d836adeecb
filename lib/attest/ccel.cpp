#include "attest/ccel.hpp"

#include "base/text.hpp"

namespace dstack::attest {

namespace {

constexpr std::uint32_t max_registers = 4;
constexpr std::array<std::string_view, 3> acpi_names{"acpi-loader", "acpi-rsdp", "acpi-tables"};

Result<TdxEvent> to_event(const TcgRecord& record)
{
  if (record.index > max_registers)
    return fail(Errc::malformed, "register index {} (want 0 to {})", record.index, max_registers);
  if (record.digests != 1)
    return fail(Errc::malformed, "{} digests (want exactly one)", record.digests);
  if (record.algorithm != tcg_sha384)
    return fail(Errc::unsupported, "a digest of {:#06x} (want {:#06x}, SHA-384)", record.algorithm,
                tcg_sha384);
  TdxEvent out;
  out.imr = record.index - 1;
  out.type = record.type;
  out.digest.emplace();
  std::copy(record.sha384.begin(), record.sha384.end(), out.digest->begin());
  out.payload = to_bytes(record.payload);
  return out;
}

} // namespace

bool is_acpi_data(const TdxEvent& event)
{
  return event.imr == 0 && event.type == tcg_platform_config &&
         as_text(event.payload) == "ACPI DATA";
}

Result<std::vector<TdxEvent>> parse_ccel(ByteView raw)
{
  const auto records = TRY(parse_tcg_log(raw));
  std::vector<TdxEvent> out;
  std::size_t acpi = 0;
  for (std::size_t number = 0; number < records.size(); ++number) {
    const TcgRecord& record = records[number];
    if (record.index == 0 || record.type == tcg_no_action) continue;
    TdxEvent event = TRY(to_event(record).within("event {}", number));
    if (is_acpi_data(event) && acpi < acpi_names.size()) event.name = acpi_names.at(acpi++);
    out.push_back(std::move(event));
  }
  return out;
}

} // namespace dstack::attest
