#pragma once
// The cost of a TLS handshake with client certificate, of OpenSSL alone.
#include "base/result.hpp"

#include <string>

namespace kms_load {

/// Processor time of this process so far, in seconds.
double own_cpu_seconds();

struct Client {
  std::string chain_pem{};
  std::string key_pem{};
  std::string authority_pem{}; ///< who issued its certificate
};

/// Microseconds of processor time that a bare OpenSSL server takes for a full TLS 1.3 handshake in
/// which both sides show certificates, and the client's is verified; the server's is of its size.
dstack::Result<double> handshake_us(const Client& client, int count);

} // namespace kms_load
