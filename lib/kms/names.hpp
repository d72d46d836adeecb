#pragma once
/// Names and addresses of machines, as certificates and URLs spell them.

#include "base/bytes.hpp"

#include <optional>

namespace dstack::kms {

/// The address that a text spells, IPv4 as ::ffff:0:0/96 has it: spellings of one address are
/// equal.
std::optional<std::array<std::uint8_t, 16>> parse_address(const std::string& text);

/// Names of a machine for itself: localhost and what is below it (RFC 6761, 6.3), 127.0.0.0/8, ::1.
bool is_local(std::string_view name);

/// Whether a certificate for asked, in lower case, might be taken for one of own: the same name or
/// address, or a pattern that fits. Some clients let '*' be any part of any label (RFC
/// 6125, 6.4.3).
bool covers(const std::string& asked, const std::string& own);

} // namespace dstack::kms
