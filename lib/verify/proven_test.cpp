#include "verify/test_evidence.hpp"
#include "verify/verify.hpp"
#include "x509/app_certificate.hpp"
#include "x509/der.hpp"

#include <doctest/doctest.h>

namespace dstack::verify {

namespace {

using test::present;
using test::vectors;

/// A published app, as evidence that somebody presents for its own report data.
struct Presented {
  attest::Evidence evidence =
      *attest::recognise(as_bytes(slurp(vectors() / "tdx-lite-getquote.json")));
  dcap::HashedCollateral collateral{
      *dcap::collateral_from_json(slurp(vectors() / "collateral/86e3287ec7108350.json"))};
  dcap::Verifier verifier{dcap::Anchor::intel()};
  Policy policy = permissive_policy();
  BoundData data = (*dcap::parse_quote(evidence.attestation.quote)).report_data();
  Time at{1'782'215'795'000};

  Result<Proven> prove()
  {
    return prove_bound(evidence, data, {&verifier, &collateral, {}}, policy, at);
  }
};

Bytes certificate_with(std::vector<x509::Extension> extensions)
{
  const auto key = crypto::P256Key::generate();
  x509::AppCertificateSpec spec;
  spec.subject.common_name = "RA-TLS TEMP Cert";
  spec.issuer = spec.subject;
  spec.not_after = 1'893'456'000;
  spec.extensions = std::move(extensions);
  return *x509::make_app_certificate(spec, key.spki_der(), key);
}

x509::Extension custom(std::string oid, ByteView content)
{
  return {std::move(oid), x509::der::octet_string(content), false};
}

} // namespace

TEST_SUITE("verify::proven")
{
  TEST_CASE("what was proven comes with the verdict that a plain verification gives")
  {
    if (!present()) return;
    Presented app;
    const Question question{app.policy, {}, {}, app.at};
    const Materials materials{&app.verifier, &app.collateral, {}};
    const Proven proven = prove(app.evidence, materials, question);
    const Verdict verdict = verify(app.evidence, materials, question);
    CHECK(proven.verdict.answer == Answer::trusted);
    CHECK(proven.verdict.checks.size() == verdict.checks.size());
    CHECK(proven.subject.platform_id.size() == 16);
    CHECK(proven.platform == attest::Platform::tdx);
    REQUIRE(proven.registers);
    CHECK(hex(proven.registers->mrtd) == *proven.subject.find_register("mrtd"));
    CHECK(*attest::replay(app.evidence.attestation.event_log, 3) == proven.registers->rtmr[3]);
    REQUIRE(proven.identity);
    CHECK(hex(proven.identity->app_id) == proven.subject.app->app_id);
    CHECK_FALSE(proven.events.empty());
    CHECK_FALSE(proven.vm_config.empty());
  }

  TEST_CASE("nothing of a quote whose signature fails is handed out")
  {
    if (!present()) return;
    Presented app;
    app.evidence.attestation.quote[600] ^= 1U;
    const Proven proven = prove(app.evidence, {&app.verifier, &app.collateral, {}},
                                Question{app.policy, {}, {}, app.at});
    CHECK(proven.verdict.answer == Answer::refused);
    CHECK_FALSE(proven.registers);
    CHECK_FALSE(proven.identity);
    CHECK(proven.events.empty());
    CHECK(proven.subject.platform_id.empty());
  }

  TEST_CASE("trap 2: evidence counts only for the report data that was asked for, all 64 bytes")
  {
    if (!present()) return;
    Presented app;
    CHECK(app.prove());
    app.data[63] ^= 1U;
    const auto refused = app.prove();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::untrusted);
    CHECK(refused.error().message().find("the evidence vouches for this key") != std::string::npos);
  }

  TEST_CASE("refusals name what was wrong: log, app, collateral, its dates")
  {
    if (!present()) return;
    const auto why = [](auto change) {
      Presented app;
      change(app);
      const auto refused = app.prove();
      REQUIRE_FALSE(refused);
      return refused.error();
    };
    CHECK(why([](Presented& p) { p.evidence.attestation.event_log.pop_back(); }).code() ==
          Errc::untrusted);
    CHECK(why([](Presented& p) { p.evidence.has_event_log = false; })
              .message()
              .find("names no app") != std::string::npos);
    CHECK(why([](Presented& p) { p.at.ms += std::int64_t{90} * 86'400'000; })
              .message()
              .find("expired") != std::string::npos);
    Presented app;
    const auto unjudged =
        prove_bound(app.evidence, app.data, {&app.verifier, nullptr, fail(Errc::timeout, "PCCS")},
                    app.policy, app.at);
    CHECK(unjudged.error().code() == Errc::io);
  }

  TEST_CASE("trap 6: SEV-SNP evidence hands out chip, measurement and what HOST_DATA binds")
  {
    if (!present()) return;
    const attest::Evidence evidence =
        *attest::recognise(as_bytes(slurp(vectors() / "sev-snp-attestation.json")));
    const Question question{permissive_policy(), {}, {}, Time{1'785'000'000'000}};
    const Proven proven = prove(evidence, {}, question);
    CHECK(proven.verdict.answer == Answer::trusted);
    CHECK(proven.subject.platform_id.size() == 64);
    CHECK(proven.measurement.size() == 48);
    CHECK(proven.host_data == to_bytes(attest::mr_config_v3_hash(proven.mr_config)));
    REQUIRE(proven.identity);
    CHECK(hex(proven.identity->app_id) == "86e59625be93207bc2351c4d1bba20037cec8e16");
    CHECK_FALSE(proven.registers);
    attest::Evidence bare = evidence;
    bare.attestation.mr_config.clear();
    const auto refused =
        prove_bound(bare, proven.subject.report_data, {}, question.policy, Time{1'785'000'000'000});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("names no app") != std::string::npos);
  }

  TEST_CASE("trap 2: a certificate that has an extension twice is refused, whichever it is")
  {
    const std::string attestation = "1.3.6.1.4.1.62397.1.8";
    const std::string app_id = "1.3.6.1.4.1.62397.1.3";
    attest::Attestation blob;
    blob.quote = Bytes(1000, 1);
    blob.event_log = {attest::to_tdx_event({"app-id", Bytes(20, 1)})};
    const Bytes content = attest::encode(blob);
    CHECK(evidence_of_certificate(certificate_with({custom(attestation, content)})));
    for (const auto& twice :
         {std::vector{custom(attestation, content), custom(attestation, content)},
          std::vector{custom(app_id, Bytes(20, 1)), custom(attestation, content),
                      custom(app_id, Bytes(20, 2))}}) {
      const auto refused = evidence_of_certificate(certificate_with(twice));
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::malformed);
      CHECK(refused.error().message().find("twice") != std::string::npos);
    }
  }

  TEST_CASE("a certificate without attestation is nobody's; an old one needs its event log")
  {
    const auto none = evidence_of_certificate(certificate_with({}));
    REQUIRE_FALSE(none);
    CHECK(none.error().code() == Errc::not_found);
    const auto old =
        evidence_of_certificate(certificate_with({custom("1.3.6.1.4.1.62397.1.1", Bytes(900, 1))}));
    REQUIRE_FALSE(old);
    CHECK(old.error().code() == Errc::malformed);
    CHECK(evidence_of_attestation(Bytes{0x42}).error().code() == Errc::malformed);
  }
}

} // namespace dstack::verify
