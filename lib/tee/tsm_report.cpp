#include "tee/tsm_report.hpp"

#include "dcap/quote.hpp"

namespace dstack::tee {

namespace {

constexpr TsmProvider tdx_guest{"tdx_guest", "the host's quoting service (QGS)",
                                "tdx_guest found no TDX"};

Status check_size(std::size_t size)
{
  if (size == 0)
    return fail(Errc::io, "the quote is empty: the host's quoting service (QGS) refused; its log "
                          "says why");
  if (size <= quote_larger_than || size >= quote_smaller_than)
    return fail(Errc::malformed, "a quote of {} bytes (want more than {}, less than {})", size,
                quote_larger_than, quote_smaller_than);
  return ok();
}

} // namespace

Result<TsmReport> TsmReport::open(const std::filesystem::path& entry)
{
  return TsmReport{TRY(TsmEntry::open(entry, tdx_guest))};
}

Result<Bytes> TsmReport::quote(const ReportData& report_data) const
{
  Bytes raw = TRY(entry_.ask(report_data)).report;
  TRY(check_size(raw.size()));
  const auto quote = TRY(dcap::parse_quote(raw).within("own quote"));
  if (quote.tee != dcap::TeeType::tdx || quote.report_data() != report_data)
    return fail(Errc::io, "the quote is about other report data ({})", hex(quote.report_data()));
  return raw;
}

} // namespace dstack::tee
