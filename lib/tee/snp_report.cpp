#include "tee/snp_report.hpp"

namespace dstack::tee {

namespace {

constexpr TsmProvider sev_guest{"sev_guest", "the processor's firmware, asked through the host,",
                                "sev-guest found no SEV-SNP"};

} // namespace

Result<SnpReport> SnpReport::open(const std::filesystem::path& entry)
{
  return SnpReport{TRY(TsmEntry::open(entry, sev_guest))};
}

Result<SnpEvidence> SnpReport::report(const ReportData& report_data) const
{
  TsmAnswer answer = TRY(entry_.ask(report_data));
  SnpEvidence out;
  out.parsed = TRY(snp::parse_report(answer.report).within("own report"));
  if (out.parsed.report_data != report_data)
    return fail(Errc::io, "the report is about other report data ({})",
                hex(out.parsed.report_data));
  // What the host hands over is its word: certificates that cannot be read are as good as none.
  if (auto table = snp::read_certificate_table(answer.auxiliary))
    out.certificates = std::move(*table);
  out.report = std::move(answer.report);
  return out;
}

} // namespace dstack::tee
