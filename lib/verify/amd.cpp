#include "verify/amd.hpp"

#include "verify/app.hpp"

namespace dstack::verify {

namespace {

Outcome outcome_of(snp::StageOutcome outcome)
{
  switch (outcome) {
  case snp::StageOutcome::passed:
    return Outcome::passed;
  case snp::StageOutcome::failed:
    return Outcome::failed;
  case snp::StageOutcome::not_run:
    return Outcome::not_run;
  }
  return Outcome::not_run;
}

void note_stages(const snp::Verification& found, Verdict& verdict)
{
  for (const snp::Stage& stage : found.stages) {
    Check check = make_check(stage.id, stage.title, true, stage.source);
    check.outcome = outcome_of(stage.outcome);
    check.expected = stage.expected;
    check.seen = stage.seen;
    verdict.checks.push_back(std::move(check));
  }
  verdict.counts.signatures = found.counts.signatures;
  verdict.counts.certificates = found.counts.certificates;
  verdict.counts.windows = found.counts.windows;
  verdict.counts.comparisons = found.counts.comparisons;
}

} // namespace

std::vector<Fact> facts_of(const snp::Report& report)
{
  return {{"MEASUREMENT", hex(report.measurement)},
          {"HOST DATA", hex(report.host_data)},
          {"guest policy", snp::policy_text(report.policy)},
          {"VMPL", fmt::format("{}", report.vmpl)},
          {"chip id", hex(report.chip_id)},
          {"report data", hex(report.report_data)}};
}

bool check_report(ByteView report,
                  const snp::Certificates& certificates,
                  const std::vector<snp::Anchor>& anchors,
                  Time at,
                  Verdict& verdict,
                  Subject& subject)
{
  const snp::Verification found = snp::verify(report, certificates, anchors, at.seconds());
  note_stages(found, verdict);
  if (!found.facts) {
    end_with(verdict, *found.error);
    return false;
  }
  const snp::SnpFacts& facts = *found.facts;
  for (const snp::ChainLink& link : facts.chain)
    verdict.chain.push_back({link.what, link.detail});
  verdict.tcb_status = facts.tcb_status;
  verdict.valid_from = facts.valid_from;
  verdict.valid_until = facts.valid_until;
  verdict.facts.push_back({"TCB", snp::to_text(facts.tcb)});
  subject.tcb_status = facts.tcb_status;
  subject.attribute_flags = facts.flags;
  subject.revocation_judged = facts.revocation_checked;
  subject.report_data = facts.report.report_data;
  if (!facts.report.hides_chip_id()) subject.platform_id = to_bytes(facts.report.chip_id);
  subject.registers = {{"measurement", hex(facts.report.measurement)},
                       {"host_data", hex(facts.report.host_data)}};
  return true;
}

void check_mr_config(const attest::Evidence& evidence, Proven& out)
{
  const attest::Attestation& a = evidence.attestation;
  Verdict& verdict = out.verdict;
  if (!a.runtime_events.empty()) {
    Check check = make_check("log.runtime-events", "the runtime events are vouched for", true,
                             "SEV-SNP report");
    check.outcome = Outcome::noted;
    check.seen = "SEV-SNP has no register for them; only the MR_CONFIG document counts";
    verdict.checks.push_back(std::move(check));
  }
  if (a.mr_config.empty()) {
    Check check = make_check("app.config-id", "HOST_DATA is the hash of the MR_CONFIG document",
                             true, "MR_CONFIG document");
    check.outcome = Outcome::noted;
    check.seen = "there is no document: the report names no app";
    verdict.checks.push_back(std::move(check));
    return;
  }
  const std::string want = hex(attest::mr_config_v3_hash(a.mr_config));
  const std::string* seen = out.subject.find_register("host_data");
  Check bound = make_check("app.config-id", "HOST_DATA is the hash of the MR_CONFIG document",
                           seen != nullptr && *seen == want, "MR_CONFIG document");
  bound.expected = want;
  bound.seen = seen != nullptr ? *seen : "";
  const bool good = bound.outcome == Outcome::passed;
  verdict.checks.push_back(std::move(bound));
  if (!good) return;
  auto identity = attest::identity_of_mr_config(a.mr_config);
  Check named = make_check("app.identity", "the MR_CONFIG document names one app", bool(identity),
                           "MR_CONFIG document");
  if (!identity) named.seen = identity.error().message();
  verdict.checks.push_back(std::move(named));
  if (!identity) return;
  set_app(*identity, a, verdict, out.subject);
  out.identity = *std::move(identity);
  out.mr_config = a.mr_config;
}

} // namespace dstack::verify
