#pragma once
/// GET /metrics of the admin listeners: Prometheus text format 0.0.4.

#include "gateway/view.hpp"

namespace dstack::gateway {

std::string metrics_text(const View& view);

} // namespace dstack::gateway
