#include "verify/proven.hpp"

#include "verify/verify.hpp"

namespace dstack::verify {

namespace {

Errc code_for(Answer answer)
{
  switch (answer) {
  case Answer::malformed:
    return Errc::malformed;
  case Answer::unchecked:
    return Errc::io;
  case Answer::trusted:
  case Answer::refused:
    return Errc::untrusted;
  }
  return Errc::untrusted;
}

/// As a service says it: nobody can pass it the option that the command line speaks of.
std::string reason_of(const Verdict& verdict)
{
  for (const Check& check : verdict.checks)
    if (check.outcome == Outcome::failed && check.id == "policy.simulated")
      return "the evidence is that of a simulated TEE: no hardware vouches for it";
  return verdict.reason;
}

} // namespace

Result<attest::Evidence> evidence_of_certificate(ByteView der)
{
  attest::RaTls certificate = TRY(attest::parse_ratls(der));
  attest::Evidence out;
  out.form = "RA-TLS certificate";
  out.attestation = certificate.attestation;
  if (out.attestation.platform == attest::Platform::tdx && out.attestation.event_log.empty())
    return fail(Errc::malformed, "the certificate carries a quote without its event log");
  out.has_event_log = true;
  out.certificate = std::move(certificate);
  return out;
}

Result<attest::Evidence> evidence_of_attestation(ByteView blob)
{
  attest::Evidence out;
  out.attestation = TRY(attest::parse_attestation(blob).within("attestation"));
  out.form = fmt::format("attestation V{}", out.attestation.version);
  out.has_event_log = true;
  return out;
}

Result<Proven> prove_bound(const attest::Evidence& evidence,
                           const BoundData& report_data,
                           const Materials& materials,
                           const Policy& policy,
                           Time at)
{
  Question question;
  question.policy = policy;
  question.at = at;
  question.expectations.report_data =
      Expectation{"report-data", "the evidence vouches for this key", hex(report_data), "key", ""};
  Proven out = prove(evidence, materials, question);
  if (out.verdict.answer != Answer::trusted)
    return Error{code_for(out.verdict.answer), reason_of(out.verdict)};
  if (!out.identity)
    return fail(Errc::untrusted, "the evidence names no app: no event log or MR_CONFIG document "
                                 "says what runs");
  return out;
}

} // namespace dstack::verify
