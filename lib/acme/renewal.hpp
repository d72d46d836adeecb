#pragma once
/// When to renew a certificate, and when to try again after a failure.

#include "acme/messages.hpp"

namespace dstack::acme {

struct RenewalSettings {
  std::int64_t before_expiry_ms = std::int64_t{30} * 86'400'000;
  std::int64_t retry_base_ms = 5 * 60'000;
  std::int64_t retry_most_ms = std::int64_t{12} * 3'600'000;
};

/// The settings' time before expiry, but never more than a third of the lifetime (short-lived
/// certificates would be renewed all the time), earlier by a random part of a day or of a twentieth
/// of the lifetime, whatever is shorter: a fleet does not renew at once. random: any number.
Time renewal_time(Time not_before,
                  Time not_after,
                  const RenewalSettings& settings,
                  std::uint64_t random);

/// Inside the authority's window, at random; now when that moment has passed (RFC 9773 4.2).
Time renewal_time(const RenewalInfo& info, Time now, std::uint64_t random);

/// After so many failures in a row: doubling, half of it by chance, never before the authority
/// allows. With a certificate that still lasts, waiting is the better choice.
Time retry_time(Time now,
                unsigned failures,
                std::optional<Time> not_before,
                const RenewalSettings& settings,
                std::uint64_t random);

/// Path below the directory's renewalInfo for a certificate (RFC 9773 4.1).
Result<std::string> renewal_info_name(ByteView certificate_der);

} // namespace dstack::acme
