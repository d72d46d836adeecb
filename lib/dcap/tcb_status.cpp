#include "dcap/tcb_status.hpp"

#include <array>

namespace dstack::dcap {

namespace {

constexpr std::array<std::string_view, 9> names{"UpToDate",
                                                "SWHardeningNeeded",
                                                "ConfigurationNeeded",
                                                "ConfigurationAndSWHardeningNeeded",
                                                "OutOfDate",
                                                "OutOfDateConfigurationNeeded",
                                                "Revoked",
                                                "TDRelaunchAdvised",
                                                "TDRelaunchAdvisedConfigurationNeeded"};

bool is_out_of_date(TcbStatus status)
{
  return status == TcbStatus::out_of_date || status == TcbStatus::out_of_date_configuration_needed;
}

bool needs_configuration(TcbStatus status)
{
  return status == TcbStatus::configuration_needed ||
         status == TcbStatus::configuration_and_sw_hardening_needed ||
         status == TcbStatus::out_of_date_configuration_needed;
}

} // namespace

std::string_view name_of(TcbStatus status)
{
  return names.at(static_cast<std::size_t>(status));
}

std::optional<TcbStatus> parse_tcb_status(std::string_view name)
{
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names.at(i) == name) return static_cast<TcbStatus>(i);
  return {};
}

std::optional<TcbStatus> parse_document_status(std::string_view name)
{
  const auto status = parse_tcb_status(name);
  if (status && *status > TcbStatus::revoked) return {};
  return status;
}

TcbStatus converge(TcbStatus platform, TcbStatus module, TcbStatus qe)
{
  const auto any = [&](TcbStatus status) { return module == status || qe == status; };
  if (platform == TcbStatus::revoked || any(TcbStatus::revoked)) return TcbStatus::revoked;
  if (!is_out_of_date(module) && !is_out_of_date(qe)) return platform;
  return needs_configuration(platform) ? TcbStatus::out_of_date_configuration_needed
                                       : TcbStatus::out_of_date;
}

TcbStatus relaunch(TcbStatus at_launch, TcbStatus now)
{
  if (now == TcbStatus::revoked) return TcbStatus::revoked;
  if (!is_out_of_date(at_launch) || is_out_of_date(now)) return at_launch;
  return needs_configuration(at_launch) || needs_configuration(now)
             ? TcbStatus::td_relaunch_advised_configuration_needed
             : TcbStatus::td_relaunch_advised;
}

} // namespace dstack::dcap
