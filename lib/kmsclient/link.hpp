#pragma once
/// One connection to a KMS: made, and asked over.

#include "kmsclient/url.hpp"
#include "net/tls.hpp"

namespace dstack::kmsclient {

/// TLS to the address, whoever answers there: what the settings hold it to is the caller's. Their
/// host is set here. dns: numeric; empty is this machine's own.
Result<net::TlsClient> connect(const Url& url,
                               net::TlsClientSettings settings,
                               const std::vector<std::string>& dns,
                               std::chrono::milliseconds deadline);

struct AskLimits {
  std::chrono::milliseconds deadline{60'000}; ///< the KMS may fetch collateral
  std::size_t max_answer = 0;                 ///< bytes
};

/// The body of the good answer. Errc::denied with the KMS' reason when it is another.
Result<std::string>
ask(net::TlsClient& connection, const http::Request& request, const AskLimits& limits);

} // namespace dstack::kmsclient
