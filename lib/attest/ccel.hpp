#pragma once
/// The firmware's event log as ACPI table CCEL points to it: TCG_PCR_EVENT2 records whose register
/// index counts MRTD as 0 and RTMR0 as 1 (TCG PC Client Platform Firmware Profile, "Event Logging";
/// UEFI 2.10, 38.4.1; spec guest 8.1).

#include "attest/event_log.hpp"
#include "attest/tcg_log.hpp"

namespace dstack::attest {

/// The events that extended RTMR0 to RTMR3, in order; those of the ACPI tables carry their names
/// (spec guest 8.2). Errors are Errc::malformed, or Errc::unsupported for other hashes.
Result<std::vector<TdxEvent>> parse_ccel(ByteView raw);
/// One of the events of the ACPI tables (spec guest 8.2).
bool is_acpi_data(const TdxEvent& event);

} // namespace dstack::attest
