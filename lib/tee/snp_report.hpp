#pragma once
/// SEV-SNP attestation reports through configfs-tsm, as the driver sev-guest provides them (Linux
/// 6.7 and later).

#include "snp/cert_table.hpp"
#include "snp/report.hpp"
#include "tee/tsm_entry.hpp"

namespace dstack::tee {

struct SnpEvidence {
  Bytes report{};      ///< as signed by the processor
  snp::Report parsed{};
  snp::Certificates certificates{}; ///< what the host handed over; may be none: then from AMD's KDS
};

class SnpReport {
public:
  static Result<SnpReport> open(const std::filesystem::path& entry);

  /// A report over this report data and no other; its signature is for verifiers to check.
  Result<SnpEvidence> report(const ReportData& report_data) const;

private:
  explicit SnpReport(TsmEntry entry) : entry_(std::move(entry)) {}
  TsmEntry entry_;
};

} // namespace dstack::tee
