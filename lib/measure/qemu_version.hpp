#pragma once
/// QEMU's version decides which ACPI tables a VM gets and how its firmware is measured
/// (spec host 5.1).

#include "base/result.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace dstack::measure {

struct QemuVersion {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t patch = 0;
  auto operator<=>(const QemuVersion&) const = default;
};

/// The oldest release whose VMs can be predicted.
inline constexpr QemuVersion oldest_qemu{8, 0, 0};

/// Exactly three decimal numbers: "9.2.1". Errc::usage otherwise.
Result<QemuVersion> parse_qemu_version(std::string_view text);
std::string text_of(const QemuVersion& version);

} // namespace dstack::measure
