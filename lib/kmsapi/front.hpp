#pragma once
/// From an HTTP request to its answer: who calls, how often, which service (spec
/// kms 1.2, 1.3, 3.3).

#include "http/message.hpp"
#include "kmsapi/metrics.hpp"
#include "kmsapi/service.hpp"

namespace dstack::kmsapi {

/// The published path of an RPC: one segment behind /prpc/, GET or POST.
bool is_rpc(const http::Request& request);
/// Method behind the path, without the prefix; empty when it is no RPC.
std::string_view method_of(const http::Request& request);

/// Who is behind a client certificate (DER; empty: nobody in particular). A certificate that claims
/// an attestation must hold to it, whatever is asked for. Errors say why, "invalid quote: …".
Result<Caller> identify(const Outside& outside,
                        const kms::Policy& policy,
                        std::string address,
                        ByteView certificate);

/// Where a request comes from.
struct Origin {
  std::string address{};
  Bytes certificate{}; ///< of the TLS client, DER; empty without
};

/// Answers an RPC, with the metrics counted. Runs on a worker thread: it verifies, asks, writes to
/// the disk.
http::Response answer_rpc(const Outside& outside,
                          const Arrangement& arrangement,
                          std::shared_ptr<const State> state,
                          const http::Request& request,
                          const Origin& origin,
                          Metrics& metrics);

} // namespace dstack::kmsapi
