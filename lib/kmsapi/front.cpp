#include "kmsapi/front.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::kmsapi {

namespace {

constexpr std::string_view mount = "/prpc/";
constexpr std::string_view prefix = "KMS.";

bool is_counted(std::string_view method)
{
  return method == "GetAppKey" || method == "GetKmsKey" || method == "SignCert";
}

} // namespace

bool is_rpc(const http::Request& request)
{
  return !method_of(request).empty();
}

std::string_view method_of(const http::Request& request)
{
  return rpc::method_name(mount, prefix, request).value_or(std::string_view{});
}

Result<Caller> identify(const Outside& outside,
                        const kms::Policy& policy,
                        std::string address,
                        ByteView certificate)
{
  Caller out;
  out.address = std::move(address);
  if (certificate.empty()) return out;
  auto evidence = verify::evidence_of_certificate(certificate);
  if (!evidence && evidence.error().code() == Errc::not_found) return out;
  if (!evidence) return std::move(evidence).error().within("invalid quote");
  out.spki = evidence->certificate->spki;
  auto proven = TRY(outside.prove(*evidence, attest::ratls_report_data(out.spki), policy)
                        .within("invalid quote"));
  out.proven = std::make_shared<const verify::Proven>(std::move(proven));
  return out;
}

http::Response answer_rpc(const Outside& outside,
                          const Arrangement& arrangement,
                          std::shared_ptr<const State> state,
                          const http::Request& request,
                          const Origin& origin,
                          Metrics& metrics)
{
  const std::string_view method = method_of(request);
  const bool counted = is_counted(method);
  if (counted) ++metrics.counters.attestation_requests;
  http::Response out;
  auto caller = identify(outside, *state->policy, origin.address, origin.certificate);
  if (caller) {
    out = rpc::answer(
        service_for(outside, arrangement, std::move(state), *std::move(caller), method), request);
  } else {
    ++metrics.counters.evidence_refused;
    kms::AuditRecord record;
    record.event = counted ? std::string{method} : "evidence";
    record.peer = origin.address;
    record.allowed = false;
    record.reason = caller.error().message();
    const Status written = outside.record(record);
    out = rpc::refusal(request, 400,
                       written ? caller.error().message() : written.error().message());
  }
  constexpr int first_error = 400;
  if (counted && out.status >= first_error) ++metrics.counters.attestation_failures;
  return out;
}

} // namespace dstack::kmsapi
