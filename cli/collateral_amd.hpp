#pragma once
/// AMD's certificates on the command line: what a SEV-SNP report is verified with.

#include "cli/collateral.hpp"
#include "snp/report.hpp"

namespace dstack::cli {

/// The report in evidence of any form; none when the evidence is of another kind.
Result<std::optional<snp::Report>> snp_report_in(const std::string& path);

/// Brings the report's certificates and AMD's revocation list into the cache and shows them.
Result<Exit> fetch_amd(const snp::Report& report,
                       const CollateralOptions& options,
                       Context& ctx,
                       fetch::Network network);

} // namespace dstack::cli
