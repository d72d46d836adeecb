#include "x509/asn1_time.hpp"

#include <ctime>

namespace dstack::x509 {

Result<std::int64_t> time_of(const ASN1_TIME* time)
{
  std::tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1)
    return crypto::openssl_error(Errc::malformed, "time");
  return static_cast<std::int64_t>(timegm(&broken));
}

} // namespace dstack::x509
