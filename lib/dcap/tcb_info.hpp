#pragma once
/// TCB info (versions 2 and 3) and QE identity: what Intel says about platforms, TDX modules and
/// quoting enclaves (spec verify 7.2, 7.3; Intel PCS API v4).

#include "dcap/quote.hpp"
#include "dcap/tcb_status.hpp"

#include <string>
#include <vector>

namespace dstack::dcap {

/// What every level carries.
struct Level {
  TcbStatus status = TcbStatus::revoked;
  std::int64_t date = 0; ///< tcbDate, Unix seconds
  std::vector<std::string> advisory_ids{};
};

struct PlatformLevel {
  Field<16> sgx{};
  std::uint16_t pce_svn = 0;
  Field<16> tdx{}; ///< zero for SGX
  Level level{};
};

struct SvnLevel {
  std::uint16_t isv_svn = 0;
  Level level{};
};

struct ModuleMatch {
  Field<48> mr_signer{};
  Field<8> attributes{};
  Field<8> attributes_mask{};
};

struct ModuleIdentity {
  std::string id{}; ///< "TDX_03"
  ModuleMatch match{};
  std::vector<SvnLevel> levels{}; ///< highest first
};

struct TcbInfo {
  TeeType tee = TeeType::sgx;
  unsigned version = 0;
  std::int64_t issue_date = 0;
  std::int64_t next_update = 0;
  Field<6> fmspc{};
  Field<2> pce_id{};
  std::uint32_t evaluation_number = 0; ///< tcbEvaluationDataNumber
  ModuleMatch base_module{};           ///< tdxModule
  std::vector<ModuleIdentity> modules{};
  std::vector<PlatformLevel> levels{}; ///< highest first

  /// Identity of a TDX module of that major version, or nullptr.
  const ModuleIdentity* module_of(std::uint8_t major) const;
};

struct QeIdentity {
  TeeType tee = TeeType::sgx; ///< "QE" or "TD_QE"
  std::int64_t issue_date = 0;
  std::int64_t next_update = 0;
  std::uint32_t evaluation_number = 0;
  Field<4> misc_select{}; ///< as in the report
  Field<4> misc_select_mask{};
  Field<16> attributes{};
  Field<16> attributes_mask{};
  Field<32> mr_signer{};
  std::uint16_t isv_prod_id = 0;
  std::vector<SvnLevel> levels{}; ///< highest first
};

Result<TcbInfo> parse_tcb_info(std::string_view text);
Result<QeIdentity> parse_qe_identity(std::string_view text);

/// First level that is at or below svn, or nullptr.
const SvnLevel* level_for(const std::vector<SvnLevel>& levels, std::uint16_t svn);

} // namespace dstack::dcap
