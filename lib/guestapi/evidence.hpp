#pragma once
/// What a VM says about itself, with and without a quote to prove it (spec guest 2.3 to 2.5, 11).

#include "attest/attestation.hpp"
#include "codec/json.hpp"

#include <functional>

namespace dstack::guestapi {

inline constexpr std::string_view api_version = "0.6.0"; ///< the guest API we speak

using ReportData = std::array<std::uint8_t, 64>;

/// Everything about a VM that no longer changes once it has booted.
struct Facts {
  std::string app_compose{}; ///< raw text
  std::string app_name{};
  bool public_tcbinfo = true;
  bool simulated = false;
  Bytes app_id{};                      ///< 20 bytes
  Bytes compose_hash{};                ///< 32 bytes
  Bytes instance_id{};                 ///< 20 bytes, or empty
  std::string os_image_hash{};         ///< hex
  std::string vm_config{};             ///< JSON text as the host gave it
  std::string key_provider{};          ///< payload of that event, JSON
  std::vector<attest::TdxEvent> log{}; ///< firmware and runtime events, with their digests
  std::string cloud_vendor{};          ///< DMI sys_vendor
  std::string cloud_product{};         ///< DMI product_name
};

class Evidence {
public:
  /// Makes a TDX quote over the report data.
  using Quote = std::function<Result<Bytes>(const ReportData&)>;
  Evidence(Facts facts, Quote quote) : facts_(std::move(facts)), quote_(std::move(quote)) {}

  const Facts& facts() const { return facts_; }
  /// With the whole event log.
  Result<attest::Attestation> attestation(const ReportData& data) const;
  /// Of this boot; read from a quote once.
  Result<attest::TdxRegisters> registers();

  /// GetQuoteResponse.
  Result<codec::Json> quote_answer(const ReportData& data) const;
  /// AppInfo; app_cert is the caller's.
  Result<codec::Json> info(std::string_view app_cert);
  /// As info, with tcb_info and vm_config only when the app publishes them.
  Result<codec::Json> public_info(std::string_view app_cert);
  /// A quote for the host to hand on: report data is a hash under a tag of its own, so the host
  /// cannot have a key of its own vouched for.
  Result<codec::Json> host_quote(ByteView nonce) const;

private:
  Result<std::string> tcb_info();

  Facts facts_;
  Quote quote_;
  std::optional<attest::TdxRegisters> registers_;
  std::string tcb_info_; ///< of registers_
};

/// device_id inside the guest is this constant on TDX: SHA-256 of nothing. Which platform it is,
/// only a verifier of the quote can tell (spec guest 11.3).
Bytes unverified_device_id();

/// At most 64 bytes, zeros behind them.
Result<ReportData> padded_report_data(ByteView given);

} // namespace dstack::guestapi
