#pragma once
/// The dashboard: one page of HTML without scripts or outside resources (spec guest 4). Everything
/// on it may come from somebody hostile: names and states from the app, facts from the host.

#include "guestapi/system.hpp"
#include "http/message.hpp"

#include <optional>

namespace dstack::guestapi {

struct PageContainer {
  std::string name; ///< a leading '/' is not shown
  std::string status;
};

struct PageFacts {
  std::string app_name;
  std::string app_id; ///< hex, as the next two
  std::string instance_id;
  std::string device_id;
  std::string key_provider_info;
  std::string cloud_vendor;
  std::string cloud_product;
  std::string tcb_info; ///< "" when it is not public
  std::vector<PageContainer> containers{};
  std::string containers_problem; ///< why they could not be listed, "" when they could
  bool simulated_tee = false;     ///< the evidence proves nothing
};

/// The facts of a Worker.Info answer; containers and simulated_tee are for the caller.
Result<PageFacts> page_facts(const codec::Json& app_info);

enum class LogLinks { no, yes };

/// system: nothing unless the app publishes it.
std::string
render_page(const PageFacts& facts, const std::optional<SystemInfo>& system, LogLinks links);

/// Headers of the page: its type, and a policy that allows its own style and nothing else.
std::vector<http::Header> page_headers();

/// Text for HTML content and quoted attributes; controls, characters that reorder others and what
/// is no UTF-8 become '?'.
std::string escape_html(std::string_view text);
/// 1536 -> "1.50 KB": powers of 1024, B to YB.
std::string format_bytes(std::uint64_t bytes);
/// "/logs/<name>?text&bare&timestamps&follow&tail=20", the name percent-encoded.
std::string log_link(std::string_view container_name);

} // namespace dstack::guestapi
