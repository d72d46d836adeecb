#include "proxy/counts.hpp"

namespace dstack::proxy {

std::string_view name_of(Count what)
{
  static constexpr std::array<std::string_view, count_kinds> names = {"accepted",
                                                                      "full",
                                                                      "source_too_many_open",
                                                                      "source_too_fast",
                                                                      "proxy_header_refused",
                                                                      "hello_rejected",
                                                                      "no_certificate",
                                                                      "handshakes_1_2",
                                                                      "handshakes_1_3",
                                                                      "handshakes_resumed",
                                                                      "handshakes_failed",
                                                                      "kernel_tls",
                                                                      "challenges_answered",
                                                                      "connects",
                                                                      "connects_failed",
                                                                      "connects_ms",
                                                                      "relayed_terminated",
                                                                      "relayed_passed_through",
                                                                      "terminated_bytes_in",
                                                                      "terminated_bytes_out",
                                                                      "passed_through_bytes_in",
                                                                      "passed_through_bytes_out",
                                                                      "spliced",
                                                                      "timed_out_header",
                                                                      "timed_out_hello",
                                                                      "timed_out_handshake",
                                                                      "timed_out_connect",
                                                                      "timed_out_idle",
                                                                      "timed_out_total",
                                                                      "broken_off",
                                                                      "accept_failed"};
  return names.at(static_cast<std::size_t>(what));
}

void Counters::add_to(Totals& out) const
{
  for (std::size_t i = 0; i < count_kinds; ++i)
    out.counts.at(i) += counts_.at(i).load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < refusal_kinds; ++i)
    out.refused.at(i) += refused_.at(i).load(std::memory_order_relaxed);
  out.live += live_.load(std::memory_order_relaxed);
}

} // namespace dstack::proxy
