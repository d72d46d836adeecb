#pragma once
/// Judging a platform's and a QE's versions against what Intel published (spec verify 10).

#include "dcap/counts.hpp"
#include "dcap/pck.hpp"
#include "dcap/tcb_info.hpp"

namespace dstack::dcap {

/// A part's level, as the verdict shows it.
struct PartStatus {
  TcbStatus status = TcbStatus::up_to_date;
  std::int64_t date = 0; ///< tcbDate of the level; 0 when the part has no level
  /// tcbDate of the oldest level above it: since when a newer TCB exists; 0 when there is none.
  std::int64_t superseded = 0;
  std::vector<std::string> advisory_ids{};
};

struct TcbResult {
  TcbStatus status = TcbStatus::revoked; ///< all parts together
  PartStatus platform{};
  PartStatus module{};
  PartStatus qe{};
};

/// QE report against QE identity, without its level (spec verify 10.2).
Status match_qe(const EnclaveReport& qe, const QeIdentity& identity, Counts& counts);
Result<PartStatus> qe_level(const EnclaveReport& qe, const QeIdentity& identity);

/// MRSIGNERSEAM and SEAMATTRIBUTES against the module's identity (spec verify 10.4).
Status match_module(const TdReport& td, const TcbInfo& info, Counts& counts);

/// Platform, module and QE levels, merged; for TD report 1.5 also relaunch (spec verify 10.3-10.6).
/// A revoked result is a result here; no level at all is an error.
Result<TcbResult> evaluate_tcb(const Quote& quote,
                               const PckExtension& pck,
                               const TcbInfo& info,
                               const PartStatus& qe);

} // namespace dstack::dcap
