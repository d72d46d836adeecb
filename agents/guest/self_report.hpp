#pragma once
/// What the VM says about itself: the answers of Info, GetQuote and Version (spec guest 2, 11).

#include "attest/event_log.hpp"
#include "guest/facts.hpp"

#include <functional>

namespace dstack::guest {

struct ReportInputs {
  std::string app_compose; ///< raw text
  std::string app_name;
  bool public_tcbinfo = true;
  Identity identity{};
  SysConfig config{};
  std::string key_provider;            ///< payload of that event
  std::vector<attest::TdxEvent> log{}; ///< firmware and runtime events with their digests
  std::string cloud_vendor;            ///< DMI sys_vendor
  std::string cloud_product;           ///< DMI product_name
};

using ReportData = std::array<std::uint8_t, 64>;

class SelfReport {
public:
  using Quote = std::function<Result<Bytes>(const ReportData&)>;
  SelfReport(ReportInputs inputs, Quote quote)
      : inputs_(std::move(inputs)), quote_(std::move(quote))
  {
  }

  /// DstackGuest.Info.
  Result<codec::Json> info();
  /// What the host may know: as Info, but tcb_info only when the app publishes it.
  Result<codec::Json> host_info();
  /// A quote for the host to hand on: as GetQuote, but the report data is the hash of a tag of its
  /// own and the host's nonce, so the host cannot have a key of its own vouched for.
  Result<codec::Json> host_quote(const codec::Json& params) const;
  /// DstackGuest.GetQuote: report_data in hex, at most 64 bytes, zeros behind it.
  Result<codec::Json> get_quote(const codec::Json& params) const;

private:
  Result<codec::Json> quote_json(const ReportData& data) const;
  Result<attest::TdxRegisters> registers();
  Result<std::string> tcb_info();

  ReportInputs inputs_;
  Quote quote_;
  std::optional<attest::TdxRegisters> registers_; ///< they no longer change after the boot
};

/// DstackGuest.Version.
codec::Json version_answer();

/// report_data of a request: hex in either case, leading "0x" passed over, padded with zeros.
Result<ReportData> parse_report_data(std::string_view text);

} // namespace dstack::guest
