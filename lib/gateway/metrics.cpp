#include "gateway/metrics.hpp"

#include <algorithm>

namespace dstack::gateway {

namespace {

void head(std::string& out, std::string_view name, std::string_view kind, std::string_view help)
{
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
}

template <class Number>
void gauge(std::string& out, std::string_view name, std::string_view help, Number value)
{
  head(out, name, "gauge", help);
  out += fmt::format("{} {}\n", name, value);
}

void counters(std::string& out, std::string_view prefix, const std::vector<Counter>& all)
{
  for (const Counter& one : all) {
    const std::string name = fmt::format("{}{}_total", prefix, one.name);
    head(out, name, "counter", "Since the start.");
    out += fmt::format("{} {}\n", name, one.value);
  }
}

void refusals(std::string& out, const std::vector<Counter>& all)
{
  if (all.empty()) return;
  constexpr std::string_view name = "dstack_gateway_refused_total";
  head(out, name, "counter", "Connections that were not passed on, by reason.");
  for (const Counter& one : all)
    out += fmt::format("{}{{reason=\"{}\"}} {}\n", name, one.name, one.value);
}

void certificates(std::string& out, const std::vector<DomainView>& domains)
{
  if (domains.empty()) return;
  constexpr std::string_view expiry = "dstack_gateway_certificate_expiry_timestamp_seconds";
  head(out, expiry, "gauge", "When the domain's certificate ends; 0: there is none.");
  for (const DomainView& one : domains)
    out += fmt::format("{}{{domain=\"{}\"}} {}\n", expiry, one.settings.name,
                       one.not_after ? one.not_after->seconds() : 0);
  constexpr std::string_view failing = "dstack_gateway_certificate_failing";
  head(out, failing, "gauge", "1 when the last attempt to get it failed.");
  for (const DomainView& one : domains)
    out += fmt::format("{}{{domain=\"{}\"}} {}\n", failing, one.settings.name,
                       one.problem.empty() ? 0 : 1);
}

} // namespace

std::string metrics_text(const View& view)
{
  std::string out;
  const auto online = std::count_if(view.hosts.begin(), view.hosts.end(),
                                    [&](const HostView& one) { return is_online(one, view.now); });
  const auto drained = std::count_if(view.hosts.begin(), view.hosts.end(),
                                     [](const HostView& one) { return one.drained; });
  gauge(out, "dstack_gateway_instances", "Registered VMs.", view.hosts.size());
  gauge(out, "dstack_gateway_instances_online", "Those heard of less than 300 s ago.", online);
  gauge(out, "dstack_gateway_instances_drained", "Those that get no new connections.", drained);
  gauge(out, "dstack_gateway_accepting", "1 while registrations are taken.",
        view.accepting ? 1 : 0);
  gauge(out, "dstack_gateway_connections", "Connections now.", view.live);
  const auto up = std::count_if(view.nodes.begin(), view.nodes.end(),
                                [](const NodeView& one) { return one.up; });
  gauge(out, "dstack_gateway_nodes", "Nodes of the cluster.", view.nodes.size());
  gauge(out, "dstack_gateway_nodes_up", "Those that gave a sign within their lease.", up);
  if (view.store.there) {
    gauge(out, "dstack_gateway_store_healthy", "1 while a majority of the store answers.",
          view.store.healthy ? 1 : 0);
    gauge(out, "dstack_gateway_store_records_refused", "Records that were not believed.",
          view.store.refused);
  }
  counters(out, "dstack_gateway_proxy_", view.data_plane);
  refusals(out, view.refused);
  counters(out, "dstack_gateway_", view.control);
  certificates(out, view.domains);
  return out;
}

} // namespace dstack::gateway
