#pragma once
/// Getting the kernel's SEV-SNP interface ready: modules, configfs, then a report of this guest.

#include "tee/snp_report.hpp"

namespace dstack::guest {

Result<tee::SnpReport> open_snp_kernel();

/// A report as a line for people: "SEV-SNP report version 3, SMT, ABI 0.0, measurement …, host data
/// …, 3 certificates from the host".
std::string describe(const tee::SnpEvidence& evidence);

} // namespace dstack::guest
