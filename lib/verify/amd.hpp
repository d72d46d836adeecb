#pragma once
/// An SEV-SNP report's part of a verdict.

#include "snp/verify.hpp"
#include "verify/verify.hpp"

namespace dstack::verify {

/// Verifies a report with its certificates and writes checks, chain, facts and status into the
/// verdict. When all hold, the subject is filled; otherwise answer and reason are set.
bool check_report(ByteView report,
                  const snp::Certificates& certificates,
                  const std::vector<snp::Anchor>& anchors,
                  Time at,
                  Verdict& verdict,
                  Subject& subject);

/// Keeps the app, as the MR_CONFIG document names it, and the document when HOST_DATA is its hash.
/// The event log of such a guest is vouched for by nothing, and only noted.
void check_mr_config(const attest::Evidence& evidence, Proven& out);

/// Facts of a report as it stands, proven or not.
std::vector<Fact> facts_of(const snp::Report& report);

} // namespace dstack::verify
