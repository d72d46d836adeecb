#include "verify/test_evidence.hpp"
#include "verify/verify.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::verify;

namespace {

using test::present;
using test::vectors;

/// A published GetQuote answer of a dstack app, with collateral of its time.
struct Published {
  attest::Evidence evidence =
      *attest::recognise(as_bytes(slurp(vectors() / "tdx-lite-getquote.json")));
  dcap::HashedCollateral collateral{
      *dcap::collateral_from_json(slurp(vectors() / "collateral/86e3287ec7108350.json"))};
  dcap::Verifier verifier{dcap::Anchor::intel()};
  Question question{strict_policy(), {}, {}, Time{1'782'215'795'000}};

  Verdict judge() { return verify::verify(evidence, {&verifier, &collateral, {}}, question); }
};

const Check* find(const Verdict& verdict, std::string_view id)
{
  for (const Check& check : verdict.checks)
    if (check.id == id) return &check;
  return nullptr;
}

} // namespace

TEST_CASE("a published app verifies end to end, and its verdict says what was seen")
{
  if (!present()) return;
  Published app;
  const Verdict verdict = app.judge();
  INFO(verdict.reason);
  REQUIRE(verdict.answer == Answer::trusted);
  CHECK(verdict.tcb_status == "UpToDate");
  CHECK(verdict.tee == "tdx");
  CHECK_FALSE(verdict.simulated);
  CHECK(find(verdict, "log.rtmr0")->outcome == Outcome::passed);
  CHECK(find(verdict, "log.rtmr3")->outcome == Outcome::passed);
  CHECK(find(verdict, "quote.signature")->outcome == Outcome::passed);
  CHECK(verdict.counts.signatures == 9);
  CHECK(verdict.valid_from < verdict.valid_until);
}

TEST_CASE("one changed event, hash or byte refuses with its own reason")
{
  if (!present()) return;
  Published app;
  const Verdict good = app.judge();
  const auto reason = [&](auto change) {
    Published changed;
    change(changed);
    const Verdict verdict = changed.judge();
    CHECK(verdict.answer == Answer::refused);
    return verdict.reason;
  };
  CHECK(reason([](Published& p) {
          p.evidence.attestation.event_log.back().payload.push_back(1);
        }).find("the event log explains RTMR3") != std::string::npos);
  CHECK(reason([](Published& p) {
          p.evidence.attestation.event_log.pop_back();
        }).find("the event log explains RTMR3") != std::string::npos);
  CHECK(reason([](Published& p) {
          p.evidence.attestation.quote[600] ^= 1U;
        }).find("signature over the quote") != std::string::npos);
  CHECK(reason([](Published& p) {
          p.question.expectations.compose_hash = {"app.compose-hash",
                                                  "the compose file is the one "
                                                  "that runs",
                                                  std::string(64, '0'), "--compose"};
        }).find("the compose file is the one that runs") != std::string::npos);
  CHECK(reason([](Published& p) {
          p.question.image = ImageExpectation{"--image", std::string(64, '0'), {}, {}};
        }).find("the evidence names this OS image") != std::string::npos);
  CHECK(reason([](Published& p) {
          p.question.at.ms += std::int64_t{90} * 86'400'000;
        }).find("expired") != std::string::npos);
  CHECK(reason([](Published& p) {
          p.question.policy.tcb_statuses = {"OutOfDate"};
        }).find("the TCB status is acceptable") != std::string::npos);
}

TEST_CASE("without collateral nothing is decided, and malformed is malformed")
{
  if (!present()) return;
  Published app;
  const Error why{Errc::io, "no network"};
  Verdict verdict = verify::verify(app.evidence, {&app.verifier, nullptr, why}, app.question);
  CHECK(verdict.answer == Answer::unchecked);
  CHECK(verdict.reason == "no network");
  app.evidence.attestation.quote.resize(100);
  verdict = app.judge();
  CHECK(verdict.answer == Answer::malformed);
  app.evidence.attestation.platform = attest::Platform::nitro_enclave;
  CHECK(app.judge().answer == Answer::malformed);
}

TEST_CASE("a published SEV-SNP attestation verifies, and its app is the one HOST_DATA binds")
{
  if (!present()) return;
  attest::Evidence evidence =
      *attest::recognise(as_bytes(slurp(vectors() / "sev-snp-attestation.json")));
  Question question{permissive_policy(), {}, {}, Time{1'785'000'000'000}};
  Verdict verdict = verify::verify(evidence, {}, question);
  INFO(verdict.reason);
  REQUIRE(verdict.answer == Answer::trusted);
  CHECK(verdict.tee == "sev-snp");
  CHECK(verdict.tcb_status == "OutOfDate");
  CHECK(find(verdict, "app.config-id")->outcome == Outcome::passed);
  CHECK(find(verdict, "log.runtime-events")->outcome == Outcome::noted);
  question.expectations.app_id = {"app.id", "the app", "86e59625be93207bc2351c4d1bba20037cec8e16",
                                  "--app-id", ""};
  CHECK(verify::verify(evidence, {}, question).answer == Answer::trusted);
  question.policy = strict_policy();
  CHECK(verify::verify(evidence, {}, question).answer == Answer::refused);
  question.policy = permissive_policy();
  attest::Evidence changed = evidence;
  changed.attestation.mr_config += " ";
  verdict = verify::verify(changed, {}, question);
  CHECK(verdict.answer == Answer::refused);
  CHECK(verdict.reason.find("HOST_DATA") != std::string::npos);
  changed = evidence;
  changed.attestation.quote[0x90] ^= 1U;
  CHECK(verify::verify(changed, {}, question).answer == Answer::refused);
  Policy careful = permissive_policy();
  careful.require_revocation = true;
  verdict = verify::verify(evidence, {}, {careful, {}, {}, question.at});
  CHECK(verdict.answer == Answer::refused);
  CHECK(find(verdict, "policy.revocation")->outcome == Outcome::failed);
  changed = evidence;
  changed.attestation.mr_config.clear();
  CHECK(find(verify::verify(changed, {}, question), "app.config-id")->outcome == Outcome::noted);
  // What the attestation lacks may be brought; what it has counts first.
  changed = evidence;
  const snp::Certificates brought =
      *snp::sort_certificates({*x509::first_certificate(evidence.attestation.certificates[0]),
                               *x509::first_certificate(evidence.attestation.certificates[1])});
  changed.attestation.certificates.pop_back();
  CHECK(verify::verify(changed, {}, question).answer == Answer::unchecked);
  CHECK(verify::verify(changed, {nullptr, nullptr, {}, &brought}, question).answer ==
        Answer::trusted);
  changed.attestation.certificates.clear();
  CHECK(verify::verify(changed, {}, question).answer == Answer::unchecked);
}
