#include "cli/kms/custodian.hpp"

#include "fetch/prover.hpp"
#include "kms/policy.hpp"
#include "kmsapi/caller.hpp"
#include "kmsclient/url.hpp"
#include "net/resolve.hpp"
#include "sys/clock.hpp"
#include "vault/share_file.hpp"

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds connect_deadline{10'000};
constexpr std::chrono::milliseconds answer_deadline{60'000};

Result<http::Response>
exchange(net::TlsClient& connection, std::string method, std::string body, std::size_t max_answer)
{
  http::Request request;
  request.method = std::move(method);
  request.target = "/unseal";
  request.body = std::move(body);
  if (!request.body.empty()) request.headers = {{"Content-Type", "application/json"}};
  net::LocalLimits limits;
  limits.deadline = answer_deadline;
  limits.message.max_body_bytes = max_answer;
  http::Response response = TRY(connection.exchange(request, limits));
  constexpr int good = 200;
  if (response.status == good) return response;
  const auto json = codec::parse_json(response.body);
  const auto why = json ? json->get_string("error", "") : Result<std::string>{std::string{}};
  return fail(Errc::denied, "{}",
              why && !why->empty() ? printable(*why)
                                   : fmt::format("HTTP status {}", response.status));
}

std::string shown(const kms::BootInfo& info)
{
  return fmt::format("It is\n  mr_aggregated  {}\n  app id         {}\n  compose hash   {}\n"
                     "  OS image       {}\n  TCB            {}{}",
                     hex(info.mr_aggregated), hex(info.app_id), hex(info.compose_hash),
                     info.os_image_hash.empty() ? "not named" : hex(info.os_image_hash),
                     info.tcb_status,
                     info.simulated ? "\n  SIMULATED: no hardware vouches for it" : "");
}

Status check(const kms::Decision& decision, const kms::BootInfo& info)
{
  if (decision.allowed) return ok();
  return fail(Errc::denied, "the policy does not allow this KMS: {}\n{}", decision.reason,
              shown(info));
}

struct Rules {
  std::optional<kms::Policy> policy{};
  verify::Policy evidence{};
};

Result<Rules> rules_of(const CustodianTrust& trust)
{
  Rules out;
  out.evidence = verify::strict_policy();
  out.evidence.allow_simulated = trust.allow_simulated;
  if (trust.policy.empty()) return out;
  const std::string text = TRY(sys::read_text(trust.policy, kms::max_policy));
  out.policy = TRY(kms::policy_from_toml(text, trust.policy).within("{}", trust.policy));
  out.evidence = kms::evidence_policy(*out.policy);
  return out;
}

Status judge(const CustodianTrust& trust, const Rules& rules, const kms::BootInfo& info)
{
  if (rules.policy) {
    TRY(check(kms::decide(*rules.policy, kms::Role::kms, info), info));
    return check(kms::judge_image(*rules.policy, info), info);
  }
  if (!trust.mr.empty() && lower(trust.mr) == hex(info.mr_aggregated)) return ok();
  return fail(Errc::denied,
              "{}\n{}\nOnly a KMS that you know may get a share: give --policy FILE (of a KMS), or "
              "--mr with its mr_aggregated",
              trust.mr.empty() ? "nothing says which KMS it must be"
                               : "this is another KMS than --mr says",
              shown(info));
}

} // namespace

Result<SealedKms>
meet_sealed(const std::string& url, const CustodianTrust& trust, const Context& ctx)
{
  const kmsclient::Url at = TRY(as_usage(kmsclient::parse_url(url)));
  const Rules rules = TRY(rules_of(trust));
  const sys::Deadline deadline{connect_deadline};
  sys::Fd tcp = TRY(net::connect_host(at.host, at.port, {}, deadline.left()));
  // Whoever answers: what counts is whom the attestation in the document vouches for.
  net::TlsClientSettings settings;
  settings.host = at.host;
  auto connection =
      TRY(net::TlsClient::connect(std::move(tcp), settings, deadline.left()).within("{}", url));
  const auto answer =
      TRY(exchange(connection, "GET", "", kmsapi::max_unseal_document).within("{}", url));
  auto document = TRY(kmsapi::parse_unseal(answer.body).within("{}", url));
  const auto evidence =
      TRY(verify::evidence_of_attestation(document.attestation).within("{}", url));
  verify::Question question;
  question.policy = rules.evidence;
  const Session session = TRY(open_session(trust.sources, std::move(question), ctx));
  fetch::Prover prover{session.shelf, {session.root, session.simulated_root}};
  auto proven = prover.prove(evidence, kmsapi::unseal_report_data(document.public_key),
                             rules.evidence, sys::now());
  if (!proven) return std::move(proven).error().within(url);
  kms::BootInfo who = TRY(kmsapi::boot_info_of(*proven, "", kms::Replay::whole));
  TRY(judge(trust, rules, who).within("{}", url));
  return SealedKms{std::move(connection), std::move(document), std::move(who)};
}

Result<SentShare> send_share(SealedKms& to, const vault::CustodianShare& share)
{
  if (share.cluster != to.document.cluster)
    return fail(Errc::usage, "this share is of cluster {}, the KMS has {}", hex(share.cluster),
                hex(to.document.cluster));
  const Bytes sealed = TRY(vault::write_share(share, to.document.public_key));
  constexpr std::size_t max_answer = std::size_t{64} << 10U;
  const auto answer = TRY(exchange(to.connection, "POST", to_text(sealed), max_answer));
  const auto json = TRY(codec::parse_json(answer.body).within("answer"));
  return SentShare{share.custodian(), printable(TRY(json.get_string("progress", ""))),
                   TRY(json.get_bool("open", false))};
}

} // namespace dstack::cli
