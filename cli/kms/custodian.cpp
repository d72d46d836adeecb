#include "cli/kms/custodian.hpp"

#include "attest/ratls.hpp"
#include "fetch/prover.hpp"
#include "kms/policy.hpp"
#include "kmsapi/caller.hpp"
#include "kmsclient/link.hpp"
#include "sys/clock.hpp"
#include "vault/share_file.hpp"

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds connect_deadline{10'000};
constexpr std::chrono::milliseconds answer_deadline{60'000};
constexpr std::size_t max_offer = crypto::max_shares * vault::max_share_file;

/// With a body it is a POST.
Result<std::string>
exchange(net::TlsClient& connection, std::string path, std::string body, std::size_t max_answer)
{
  http::Request request;
  request.method = body.empty() ? "GET" : "POST";
  request.target = std::move(path);
  request.body = std::move(body);
  if (!request.body.empty()) request.headers = {{"Content-Type", "application/json"}};
  return kmsclient::ask(connection, request, {answer_deadline, max_answer});
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
  if (!out.policy->lists_decide())
    return fail(
        Errc::config,
        "{}: rules = \"{}\" leaves it to somebody who is not asked here which systems may be "
        "a KMS: give --mr with the mr_aggregated of yours instead",
        trust.policy, name_of(out.policy->rules));
  out.evidence = kms::evidence_policy(*out.policy);
  return out;
}

/// Whoever answers: what counts is whom its attestation vouches for.
Result<net::TlsClient> connect(const std::string& url)
{
  const kmsclient::Url at = TRY(as_usage(kmsclient::parse_url(url)));
  return kmsclient::connect(at, {}, {}, connect_deadline).within("{}", url);
}

/// Everything that was given must hold.
Status judge(const CustodianTrust& trust, const Rules& rules, const kms::BootInfo& info)
{
  const bool named = !trust.mr.empty();
  if (named ? lower(trust.mr) != hex(info.mr_aggregated) : !rules.policy)
    return fail(Errc::denied,
                "{}\n{}\nOnly a KMS that you know may get a share: give --policy FILE (of a KMS), "
                "or --mr with its mr_aggregated",
                named ? "this is another KMS than --mr says" : "nothing says which KMS it must be",
                shown(info));
  if (!rules.policy) return ok();
  TRY(check(kms::decide(*rules.policy, kms::Role::kms, info), info));
  return check(kms::judge_image(*rules.policy, info), info);
}

/// Who it is, when the trust covers it.
Result<kms::BootInfo> prove(const CustodianTrust& trust,
                            const Rules& rules,
                            const attest::Evidence& evidence,
                            const verify::BoundData& data,
                            const Context& ctx)
{
  verify::Question question;
  question.policy = rules.evidence;
  const Session session = TRY(open_session(trust.sources, std::move(question), ctx));
  fetch::Prover prover{session.shelf, {session.root, session.simulated_root}};
  const auto proven = TRY(prover.prove(evidence, data, rules.evidence, sys::now()));
  kms::BootInfo who = TRY(kmsapi::boot_info_of(proven, "", kms::Replay::whole));
  TRY(judge(trust, rules, who));
  return who;
}

Result<std::vector<Bytes>> share_files(const std::string& answer)
{
  const auto json = TRY(codec::parse_json(answer).within("answer"));
  const codec::Json* list = TRY(json.need_array("shares").within("answer"));
  std::vector<Bytes> out;
  for (const codec::Json& one : list->items()) {
    if (!one.is_string()) return fail(Errc::malformed, "answer: 'shares' holds what is no text");
    out.push_back(to_bytes(one.text()));
  }
  return out;
}

} // namespace

void add_custodian_trust(Leaf& leaf, CustodianTrust& trust)
{
  leaf.file("--policy", trust.policy, "Policy of a KMS that says which systems may be one")
      .group("Whom you trust");
  leaf.option("--mr", trust.mr, "HEX", "The mr_aggregated it must have").group("Whom you trust");
  leaf.flag("--allow-simulated", trust.allow_simulated, "With --mr: a simulated TEE will do")
      .group("Whom you trust");
  add_trust_options(leaf, trust.sources);
}

Result<SealedKms>
meet_sealed(const std::string& url, const CustodianTrust& trust, const Context& ctx)
{
  const Rules rules = TRY(rules_of(trust));
  auto connection = TRY(connect(url));
  const auto answer =
      TRY(exchange(connection, "/unseal", "", kmsapi::max_unseal_document).within("{}", url));
  auto document = TRY(kmsapi::parse_unseal(answer).within("{}", url));
  const auto evidence =
      TRY(verify::evidence_of_attestation(document.attestation).within("{}", url));
  kms::BootInfo who =
      TRY(prove(trust, rules, evidence, kmsapi::unseal_report_data(document.public_key), ctx)
              .within("{}", url));
  return SealedKms{std::move(connection), std::move(document), std::move(who)};
}

Result<OfferedShares>
fetch_shares(const std::string& url, const CustodianTrust& trust, const Context& ctx)
{
  const Rules rules = TRY(rules_of(trust));
  auto connection = TRY(connect(url));
  const auto evidence =
      TRY(verify::evidence_of_certificate(connection.peer_certificate()).within("{}", url));
  OfferedShares out;
  out.who =
      TRY(prove(trust, rules, evidence, attest::ratls_report_data(evidence.certificate->spki), ctx)
              .within("{}", url));
  const auto answer = TRY(exchange(connection, "/shares", "", max_offer).within("{}", url));
  out.files = TRY(share_files(answer).within("{}", url));
  return out;
}

Result<SentShare> send_share(SealedKms& to, const vault::CustodianShare& share)
{
  if (share.cluster != to.document.cluster)
    return fail(Errc::usage, "this share is of cluster {}, the KMS has {}", hex(share.cluster),
                hex(to.document.cluster));
  const Bytes sealed = TRY(vault::write_share(share, to.document.public_key));
  constexpr std::size_t max_answer = std::size_t{64} << 10U;
  const auto answer = TRY(exchange(to.connection, "/unseal", to_text(sealed), max_answer));
  const auto json = TRY(codec::parse_json(answer).within("answer"));
  return SentShare{share.custodian(), printable(TRY(json.get_string("progress", ""))),
                   TRY(json.get_bool("open", false))};
}

} // namespace dstack::cli
