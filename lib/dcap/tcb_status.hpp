#pragma once
/// TCB statuses (spec verify 10.1; Intel PCS API v4).

#include "base/result.hpp"

#include <optional>

namespace dstack::dcap {

enum class TcbStatus {
  up_to_date,
  sw_hardening_needed,
  configuration_needed,
  configuration_and_sw_hardening_needed,
  out_of_date,
  out_of_date_configuration_needed,
  revoked,
  td_relaunch_advised,                     ///< computed, never in a document
  td_relaunch_advised_configuration_needed ///< computed, never in a document
};

std::string_view name_of(TcbStatus status); ///< "UpToDate", …
/// Any of the nine names, as policies use them.
std::optional<TcbStatus> parse_tcb_status(std::string_view name);
/// One of the seven a document may hold.
std::optional<TcbStatus> parse_document_status(std::string_view name);

/// The platform's status with those of TDX module and QE taken in (spec verify 10.5).
TcbStatus converge(TcbStatus platform, TcbStatus module, TcbStatus qe);
/// Status of a TD that was launched under one TCB and runs under another (spec verify 10.6).
TcbStatus relaunch(TcbStatus at_launch, TcbStatus now);

} // namespace dstack::dcap
