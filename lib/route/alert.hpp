#pragma once
/// Alerts of TLS (RFC 8446 section 6), for peers whom we refuse before TLS is set up.

#include <array>
#include <cstdint>

namespace dstack::route {

enum class Alert : std::uint8_t {
  unexpected_message = 10,
  record_overflow = 22,
  handshake_failure = 40,
  illegal_parameter = 47,
  decode_error = 50,
  access_denied = 49,
  protocol_version = 70,
  internal_error = 80,
  unrecognized_name = 112,
  no_application_protocol = 120
};

/// A fatal alert as one record in the clear, ready to send.
constexpr std::array<std::uint8_t, 7> alert_record(Alert alert)
{
  constexpr std::uint8_t alert_type = 21;
  constexpr std::uint8_t fatal = 2;
  return {alert_type, 3, 3, 0, 2, fatal, static_cast<std::uint8_t>(alert)};
}

} // namespace dstack::route
