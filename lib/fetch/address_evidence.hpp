#pragma once
/// Evidence from an address: the certificate a TLS server shows, or what it publishes.

#include "base/bytes.hpp"

#include <chrono>

namespace dstack::fetch {

/// "https://host[:port]": the server's certificate (DER) when it carries an attestation, else the
/// answer of the guest's /prpc/Worker.Info. With a path: the body of that page. The server is not
/// authenticated here: what it shows must prove itself.
Result<Bytes> address_evidence(std::string_view url, std::chrono::milliseconds timeout);

/// DER of the certificate a TLS server shows in a handshake, in which it proves to hold the key.
Result<Bytes> peer_certificate(std::string_view host_and_port, std::chrono::milliseconds timeout);

} // namespace dstack::fetch
