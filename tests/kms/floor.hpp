#pragma once
// The cost of a TLS handshake with client certificate, of OpenSSL alone.
#include "base/result.hpp"

#include <string>

namespace kms_load {

/// Processor time of this process so far, in seconds.
double own_cpu_seconds();

/// Microseconds of processor time that a bare OpenSSL server takes for a full TLS 1.3 handshake in
/// which both sides show certificates; the client's is the given one, the server's of its size.
dstack::Result<double>
handshake_us(const std::string& client_chain_pem, const std::string& client_key_pem, int count);

} // namespace kms_load
