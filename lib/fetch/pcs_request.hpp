#pragma once
/// What to ask Intel's PCS, version 4, or a PCCS that speaks the same interface (spec verify 9.1).

#include "dcap/quote.hpp"

#include <string>

namespace dstack::fetch {

inline constexpr std::string_view intel_pcs = "https://api.trustedservices.intel.com";

enum class PckCa { processor, platform };
std::string_view name_of(PckCa ca); ///< "processor", "platform"
Result<PckCa> parse_pck_ca(std::string_view text);
/// From the common name of a PCK certificate's issuer; other issuers are refused, not guessed.
Result<PckCa> pck_ca_of_issuer(std::string_view common_name);
Result<dcap::TeeType> parse_tee(std::string_view text); ///< "sgx", "tdx"

/// Which evaluation of the TCB: "standard" follows a TCB recovery by months, "early" at once.
struct TcbUpdate {
  enum class Kind { standard, early, number };
  Kind kind = Kind::standard;
  std::uint32_t number = 0; ///< tcbEvaluationDataNumber, for Kind::number
};
/// "standard", "early" or a number.
Result<TcbUpdate> parse_update(std::string_view text);

struct PcsRequest {
  dcap::Field<6> fmspc{};
  dcap::TeeType tee = dcap::TeeType::tdx;
  PckCa ca = PckCa::platform;
  TcbUpdate update{};
};

/// 12 hex digits.
Result<dcap::Field<6>> parse_fmspc(std::string_view text);
std::string fmspc_text(const dcap::Field<6>& fmspc); ///< upper-case

std::string tcb_info_url(std::string_view base, const PcsRequest& request);
std::string qe_identity_url(std::string_view base, const PcsRequest& request);
std::string pck_crl_url(std::string_view base, const PcsRequest& request);
/// Intel publishes the root's list at a fixed place of its own, a PCCS beside the rest.
std::string root_crl_url(std::string_view base);

/// Certification data of types 2 and 3: a platform named by its encrypted PPID.
struct PckRequest {
  Bytes encrypted_ppid{};
  dcap::Field<16> cpu_svn{};
  std::uint16_t pce_svn = 0;
  dcap::Field<2> pce_id{}; ///< as in the quote
  dcap::Field<16> qe_id{};
};
std::string pck_certificate_url(std::string_view base, const PckRequest& request);
/// CPUSVN and PCESVN as the SGX-TCBm header writes them, upper-case hex.
std::string tcbm_text(const PckRequest& request);

} // namespace dstack::fetch
