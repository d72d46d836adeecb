#include "verify/verify.hpp"

#include "verify/amd.hpp"
#include "verify/app.hpp"
#include "x509/read.hpp"

#include <algorithm>

namespace dstack::verify {

namespace {

void append(std::vector<Check>& to, std::vector<Check> from)
{
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

/// The answer that the checks add up to; an answer that is there already stays.
void conclude(Verdict& verdict)
{
  const auto failed = std::find_if(verdict.checks.begin(), verdict.checks.end(),
                                   [](const Check& c) { return c.outcome == Outcome::failed; });
  if (failed == verdict.checks.end()) {
    verdict.answer = Answer::trusted;
    verdict.reason.clear();
    return;
  }
  verdict.answer = Answer::refused;
  verdict.reason =
      failed->id == "policy.simulated"
          ? "simulated root: no hardware vouches for this (--allow-simulated accepts it)"
          : fmt::format("not so: {}", failed->title);
  if (failed->id == "policy.simulated" || failed->seen.empty()) return;
  verdict.reason += failed->expected.empty()
                        ? fmt::format(" ({})", failed->seen)
                        : fmt::format(" (seen {}, want {})", failed->seen, failed->expected);
}

/// A quote of a simulated TEE is refused before anything else is asked of it.
bool refuse_simulated(const dcap::Quote& quote, const Policy& policy, Verdict& verdict)
{
  verdict.simulated = claims_simulated(quote);
  if (!verdict.simulated || policy.allow_simulated) return false;
  Check check = make_check("policy.simulated", "evidence of a simulated TEE is accepted", false,
                           fmt::format("policy {}", policy.name));
  check.expected = "a hardware vendor's root";
  check.seen = fmt::format("root '{}'", claimed_root(quote));
  verdict.checks.push_back(std::move(check));
  conclude(verdict);
  return true;
}

attest::TdxRegisters registers_of(const dcap::TdReport& td)
{
  return {td.mrtd, td.rtmr, td.mr_config_id, td.mr_owner, td.mr_owner_config};
}

void verify_intel(const attest::Evidence& evidence,
                  const Materials& materials,
                  const Question& question,
                  Proven& out)
{
  const Bytes& raw = evidence.attestation.quote;
  Verdict& verdict = out.verdict;
  const auto quote = dcap::parse_quote(raw);
  if (!quote) return end_with(verdict, quote.error());
  verdict.tee = dcap::name_of(quote->tee);
  verdict.facts = facts_of(*quote);
  if (refuse_simulated(*quote, question.policy, verdict)) return;
  if (materials.verifier == nullptr || materials.collateral == nullptr) {
    if (materials.missing) end_with(verdict, *materials.missing);
    if (verdict.answer == Answer::trusted || verdict.reason.empty())
      verdict.reason = "there is no collateral to judge the quote with";
    return;
  }
  Subject& subject = out.subject;
  if (!check_quote(*materials.verifier, raw, *materials.collateral, question.at, verdict, subject))
    return;
  check_bindings(evidence, subject, verdict);
  const bool is_td = quote->tee == dcap::TeeType::tdx;
  const bool log_good =
      !evidence.has_event_log || !is_td || check_event_log(evidence, *quote, out);
  if (log_good) {
    if (is_td) out.registers = registers_of(quote->td);
    if (question.image) check_image(*question.image, subject, verdict);
    append(verdict.checks, judge_expectations(question.expectations, subject));
  }
  append(verdict.checks, judge_policy(question.policy, subject, question.at));
  conclude(verdict);
}

/// Those of the attestation, filled up with what the caller brought: its CRL above all.
Result<snp::Certificates> amd_certificates(const attest::Attestation& a, const Materials& materials)
{
  std::vector<Bytes> ders; // guests put them in as DER or PEM
  for (const Bytes& one : a.certificates)
    ders.push_back(TRY(x509::first_certificate(one).within("certificate {}", ders.size() + 1)));
  snp::Certificates out;
  if (!ders.empty()) out = TRY(snp::sort_certificates(ders));
  if (const snp::Certificates* more = materials.amd_certificates; more != nullptr) {
    if (out.vcek.empty()) out.vcek = more->vcek;
    if (out.ask.empty()) out.ask = more->ask;
    out.crl = more->crl;
  }
  if (!out.vcek.empty() && !out.ask.empty()) return out;
  if (materials.missing) return *materials.missing;
  return fail(Errc::not_found, "the report comes without its chip's certificates");
}

void verify_amd(const attest::Evidence& evidence,
                const Materials& materials,
                const Question& question,
                Proven& out)
{
  const Bytes& raw = evidence.attestation.quote;
  Verdict& verdict = out.verdict;
  verdict.tee = "sev-snp";
  const auto report = snp::parse_report(raw);
  if (!report) return end_with(verdict, report.error());
  verdict.facts = facts_of(*report);
  const auto certificates = amd_certificates(evidence.attestation, materials);
  if (!certificates) return end_with(verdict, certificates.error());
  Subject& subject = out.subject;
  if (!check_report(raw, *certificates, snp::amd_anchors(), question.at, verdict, subject)) return;
  check_bindings(evidence, subject, verdict);
  check_mr_config(evidence, out);
  out.measurement = to_bytes(report->measurement);
  out.host_data = to_bytes(report->host_data);
  if (question.image) check_image(*question.image, subject, verdict);
  append(verdict.checks, judge_expectations(question.expectations, subject));
  append(verdict.checks, judge_policy(question.policy, subject, question.at));
  conclude(verdict);
}

} // namespace

Proven prove(const attest::Evidence& evidence, const Materials& materials, const Question& question)
{
  Proven out;
  out.platform = evidence.attestation.platform;
  out.vm_config = evidence.attestation.config;
  Verdict& verdict = out.verdict;
  verdict.evidence = evidence.form;
  verdict.policy = question.policy.name;
  verdict.at = question.at;
  if (out.platform == attest::Platform::tdx)
    verify_intel(evidence, materials, question, out);
  else if (out.platform == attest::Platform::amd_sev_snp)
    verify_amd(evidence, materials, question, out);
  else
    end_with(verdict, fail(Errc::unsupported, "evidence of {} cannot be verified",
                           attest::name_of(out.platform)));
  return out;
}

Verdict
verify(const attest::Evidence& evidence, const Materials& materials, const Question& question)
{
  return prove(evidence, materials, question).verdict;
}

bool claims_simulated(const attest::Evidence& evidence)
{
  if (evidence.attestation.platform != attest::Platform::tdx) return false;
  const auto quote = dcap::parse_quote(evidence.attestation.quote);
  return quote && claims_simulated(*quote);
}

std::string claimed_image(const attest::Attestation& attestation)
{
  const auto text = attest::vm_config_of(attestation);
  if (!text) return "";
  const auto json = codec::parse_json(*text);
  if (!json) return "";
  const auto hash = json->get_string("os_image_hash", "");
  return hash ? lower(*hash) : "";
}

} // namespace dstack::verify
