#include "agents/kms/peer.hpp"

#include "attest/ratls.hpp"
#include "kmsapi/caller.hpp"
#include "net/resolve.hpp"
#include "sys/clock.hpp"
#include "x509/app_chain.hpp"
#include "x509/certificate.hpp"

namespace dstack::kmsnode {

namespace {

constexpr std::chrono::milliseconds connect_deadline{10'000};
constexpr std::chrono::milliseconds answer_deadline{60'000};

Result<net::TlsClient> connect(const kmsclient::Url& url, net::TlsClientSettings settings)
{
  const sys::Deadline deadline{connect_deadline};
  settings.host = url.host;
  sys::Fd tcp = TRY(net::connect_host(url.host, url.port, {}, deadline.left()));
  return net::TlsClient::connect(std::move(tcp), settings, deadline.left());
}

Result<std::string> exchange(net::TlsClient& connection,
                             const kmsclient::Url& url,
                             std::string_view method,
                             const codec::Json& params)
{
  http::Request request;
  request.method = "POST";
  request.target = fmt::format("{}/prpc/{}?json", url.path, method);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = codec::write_json(params);
  net::LocalLimits limits;
  limits.deadline = answer_deadline;
  limits.message.max_body_bytes = kmsclient::max_answer;
  http::Response response = TRY(connection.exchange(request, limits).within("{}", method));
  constexpr int good = 200;
  if (response.status != good)
    return fail(Errc::denied, "{}: {}", method, kmsclient::refusal_of(response));
  return std::move(response.body);
}

/// What the certificate proves, judged as any KMS that wants to be one of us.
Result<kms::BootInfo> judge(ByteView certificate, const PeerNeeds& needs)
{
  auto evidence = verify::evidence_of_certificate(certificate);
  if (!evidence && evidence.error().code() == Errc::not_found)
    return fail(Errc::untrusted, "Source KMS certificate does not contain attestation");
  if (!evidence) return std::move(evidence).error().within("certificate");
  const auto proven = TRY(
      needs.prove(*evidence, attest::ratls_report_data(evidence->certificate->spki), needs.policy)
          .within("certificate"));
  const kms::BootInfo plain = TRY(kmsapi::boot_info_of(proven, "", kms::Replay::whole));
  // Old certificates do not name the image: then it has to be ours (spec kms 4.4).
  const kms::BootInfo info =
      plain.os_image_hash.empty()
          ? TRY(kmsapi::boot_info_of(proven, needs.vm_config, kms::Replay::whole))
          : plain;
  const auto asked = TRY(needs.decide(needs.policy, kms::Role::kms, info));
  const auto decision = asked.allowed ? kms::judge_image(needs.policy, info) : asked;
  if (!decision.allowed)
    return fail(Errc::denied, "Source KMS is not allowed for onboarding: {}", decision.reason);
  return info;
}

/// A certificate of the root it names, for a KMS and no app (spec kms 18.3, trap 18).
Status check_issuer(ByteView certificate, const kmsclient::KnownCertificate& root, Time now)
{
  TRY(kmsclient::check_server(certificate));
  return x509::check_app_chain({to_bytes(certificate), root.der}, root.spki, now)
      .within("server certificate");
}

} // namespace

Result<PeerLink> PeerLink::open(const kmsclient::Url& url, const PeerNeeds& needs)
{
  auto first = TRY(connect(url, {}).within("{}", url.text));
  const Bytes certificate = first.peer_certificate();
  kms::BootInfo who = TRY(judge(certificate, needs).within("{}", url.text));
  auto ca = TRY(kmsclient::parse_temp_ca(
                    TRY(exchange(first, url, "GetTempCaCert", {}).within("{}", url.text)))
                    .within("{}: GetTempCaCert", url.text));
  TRY(check_issuer(certificate, ca.root, needs.now).within("{}", url.text));
  const auto attest = [&](const ReportData& data) -> Result<attest::Attestation> {
    return attest::parse_attestation(TRY(needs.agent.attest(data)));
  };
  const auto ours = TRY(kmsclient::make_identity(ca, attest, needs.now).within("our certificate"));
  net::TlsClientSettings settings;
  settings.chain_pem = ours.chain_pem;
  settings.key_pem = ours.key_pem;
  settings.pinned_spki = TRY(attest::certificate_marks(certificate)).spki;
  auto second = TRY(connect(url, std::move(settings)).within("{}", url.text));
  return PeerLink{url, std::move(who), std::move(ca), std::move(second)};
}

Result<std::string> PeerLink::call(std::string_view method, const codec::Json& params)
{
  return exchange(connection_, url_, method, params).within("{}", url_.text);
}

} // namespace dstack::kmsnode
