#pragma once
/// /metrics: the system's facts in the Prometheus text format 0.0.4.

#include "guestapi/system.hpp"

namespace dstack::guestapi {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

std::string render_metrics(const SystemInfo& info);

} // namespace dstack::guestapi
