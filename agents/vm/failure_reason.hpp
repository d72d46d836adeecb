#pragma once
/// Why a VM ended, read from what it and QEMU left in their logs. The text is the guest's: it is
/// shown to people and never decides anything.

#include <optional>
#include <string>
#include <string_view>

namespace dstack::supervisor {

/// From the end of console.log: dm-verity corruption, "dstack-init: …", "dstack-guest: …", a kernel
/// panic, memory exhaustion; nothing when no line says why.
std::optional<std::string> console_reason(std::string_view console);

/// From qemu.log when QEMU did not start: a taken port, missing memory, else its last line.
std::string qemu_reason(std::string_view log);

/// The last lines that say something, joined by " | ", at most `lines` of them.
std::string last_lines(std::string_view text, std::size_t lines);

} // namespace dstack::supervisor
