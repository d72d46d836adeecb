#include "gateway/page.hpp"

#include "guestapi/page.hpp"
#include "guestapi/page_style.hpp"

namespace dstack::gateway {

namespace {

constexpr std::string_view development_note =
    "<p class=\"warning\" role=\"alert\"><strong>A development gateway.</strong> Evidence of a "
    "simulated TEE counts: who registers has proven nothing.</p>\n";
constexpr std::string_view refusing_note =
    "<p class=\"warning\" role=\"alert\">Registrations are refused now.</p>\n";

class Page {
public:
  Page& raw(std::string_view markup)
  {
    out_ += markup;
    return *this;
  }
  Page& text(std::string_view value)
  {
    out_ += guestapi::escape_html(value);
    return *this;
  }
  Page& fact(std::string_view label, std::string_view value)
  {
    if (value.empty()) return *this;
    raw("<div><dt>").text(label).raw("</dt><dd>").text(value);
    return raw("</dd></div>\n");
  }
  Page& open(std::string_view title) { return raw("<section>\n<h2>").text(title).raw("</h2>\n"); }
  Page& row(std::string_view tag, const std::vector<std::string>& cells)
  {
    raw("<tr>");
    for (const std::string& cell : cells)
      raw("<").raw(tag).raw(">").text(cell).raw("</").raw(tag).raw(">");
    return raw("</tr>\n");
  }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

std::string ago(Time at, Time now)
{
  if (at.ms == 0) return "never";
  const auto ms = static_cast<std::uint64_t>(std::max(std::int64_t{0}, now.ms - at.ms));
  return fmt::format("{} ago", format_duration_ms(ms));
}

std::string ports_of(const HostView& host)
{
  const route::PortPolicy* policy = host.entry.policies.effective();
  if (policy == nullptr) return "not known: closed";
  std::vector<std::string> ports;
  for (const route::PortRule& rule : policy->rules)
    ports.push_back(fmt::format("{}", rule.port));
  const std::string list = join(ports, ", ");
  const std::string by = host.entry.policies.set_by_admin ? " (set here)" : "";
  if (policy->access == route::PortPolicy::Access::open) return "every port" + by;
  return (list.empty() ? "no port" : list) + by;
}

void add_node(Page& out, const View& view)
{
  out.open("This node").raw("<dl>\n");
  out.fact("Registrations", view.rpc_url).fact("Apps", join(view.proxy, ", "));
  out.fact("VMs are reached through", view.reach);
  out.fact("Connections", fmt::format("{}", view.live));
  out.fact("App ID", hex(view.self.app_id)).fact("URL told to VMs", view.self.url);
  out.fact("WireGuard", view.self.wg_endpoint).fact("Version", view.self.version);
  out.raw("</dl>\n</section>\n");
}

void add_cluster(Page& out, const View& view)
{
  if (!view.store.there) return;
  out.open(fmt::format("Nodes: {}", view.nodes.size())).raw("<dl>\n");
  out.fact("Store", view.store.healthy ? fmt::format("healthy ({})", view.store.member)
                                       : view.store.problem);
  if (view.store.refused != 0)
    out.fact("Records that were not believed", fmt::format("{}", view.store.refused));
  out.raw("</dl>\n<table>\n");
  out.row("th", {"Node", "URL", "WireGuard", "State", "Registrations", "Connections"});
  for (const NodeView& one : view.nodes)
    out.row("td", {fmt::format("{}{}", one.self.id, one.self.id == view.self.id ? " (this)" : ""),
                   one.self.url, one.self.wg_endpoint, one.up ? "up" : "gone",
                   one.accepting ? "taken" : "refused", fmt::format("{}", one.connections)});
  out.raw("</table>\n</section>\n");
}

void add_domains(Page& out, const View& view)
{
  out.open("Domains").raw("<table>\n");
  out.row("th", {"Name", "Certificate until", "Priority", "State"});
  for (const DomainView& one : view.domains)
    out.row("td", {one.settings.name, one.not_after ? format_utc(*one.not_after) : "none",
                   fmt::format("{}", one.settings.priority),
                   one.issuing ? "is being issued" : one.problem});
  out.raw("</table>\n</section>\n");
}

void add_hosts(Page& out, const View& view)
{
  out.open(fmt::format("VMs: {}", view.hosts.size())).raw("<table>\n");
  out.row("th", {"Instance", "App", "Address", "Heard", "Connections", "Ports", ""});
  for (const HostView& one : view.hosts)
    out.row("td", {one.entry.instance_id, one.entry.app_id, one.entry.address.text(),
                   ago(Time{one.handshake_ms}, view.now), fmt::format("{}", one.connections),
                   ports_of(one), one.drained ? "drained" : one.reached});
  out.raw("</table>\n</section>\n");
}

void add_counts(Page& out, const View& view)
{
  out.open("Since the start").raw("<dl>\n");
  for (const auto* all : {&view.control, &view.data_plane, &view.refused})
    for (const Counter& one : *all)
      if (one.value != 0) out.fact(one.name, fmt::format("{}", one.value));
  out.raw("</dl>\n</section>\n");
}

} // namespace

http::Response admin_page(const View& view)
{
  Page out;
  out.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
          "<title>dstack gateway</title><style>")
      .raw(guestapi::page_style)
      .raw("</style></head><body>\n<header><h1>dstack gateway</h1></header>\n<main>\n");
  if (view.development) out.raw(development_note);
  if (!view.accepting) out.raw(refusing_note);
  add_node(out, view);
  add_cluster(out, view);
  add_domains(out, view);
  add_hosts(out, view);
  add_counts(out, view);
  out.raw("</main></body></html>\n");
  http::Response answer{200, guestapi::page_headers(), out.take()};
  answer.headers.push_back({"Cache-Control", "no-store"});
  return answer;
}

} // namespace dstack::gateway
