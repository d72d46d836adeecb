#pragma once
/// What firmware reads from QEMU, read in its place.

#include "qtest.hpp"

namespace dstack::qtest {

/// What firmware does before: MMCONFIG at 0xe0000000, power management at 0x600, and a large BAR of
/// the device in slot 1 at seven eighths of a 46-bit address space.
Status play_firmware(Machine& machine);

/// A file of fw_cfg, by DMA (QEMU, docs/specs/fw_cfg). The ACPI files are made anew, from the
/// registers, when one of them is looked at first.
Result<Bytes> config_file(Machine& machine, std::string_view name);

} // namespace dstack::qtest
