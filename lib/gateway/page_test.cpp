#include "gateway/page.hpp"

#include <doctest/doctest.h>

namespace dstack::gateway {

namespace {

View view()
{
  View out;
  out.now = Time{1'800'000'000'000};
  out.reach = "WireGuard (kernel)";
  HostView host;
  host.entry.instance_id = "b1";
  host.entry.app_id = "a1";
  host.entry.address = *route::parse_address("10.8.0.2");
  host.handshake_ms = out.now.ms - 90'000;
  out.hosts = {host};
  DomainView domain;
  domain.settings.name = "example.com";
  domain.problem = "<script>alert(1)</script>";
  out.domains = {domain};
  out.control = {{"registrations", 3}, {"reloads", 0}};
  return out;
}

bool holds(const http::Response& page, std::string_view text)
{
  return page.body.find(text) != std::string::npos;
}

} // namespace

TEST_SUITE("gateway::admin_page")
{
  TEST_CASE("who is there, how they are heard, what is open")
  {
    View now = view();
    const auto page = admin_page(now);
    CHECK(holds(page, "<td>10.8.0.2</td><td>1m30s ago</td>"));
    CHECK(holds(page, "<td>not known: closed</td>"));
    CHECK(holds(page, "<td>example.com</td><td>none</td>"));
    CHECK(holds(page, "<dt>registrations</dt><dd>3</dd>"));
    CHECK_FALSE(holds(page, "reloads"));
    CHECK_FALSE(holds(page, "development gateway"));
    now.development = true;
    now.accepting = false;
    now.hosts[0].entry.policies.set_by_admin =
        route::PortPolicy{route::PortPolicy::Access::listed, {{443, false}}};
    now.hosts[0].drained = true;
    const auto other = admin_page(now);
    CHECK(holds(other, "development gateway"));
    CHECK(holds(other, "Registrations are refused now"));
    CHECK(holds(other, "<td>443 (set here)</td><td>drained</td>"));
  }

  TEST_CASE("what others wrote is text, and nothing is loaded or run")
  {
    const auto page = admin_page(view());
    CHECK(holds(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    CHECK_FALSE(holds(page, "<script"));
    CHECK(page.header("Content-Security-Policy")->find("default-src 'none'") != std::string::npos);
  }
}

} // namespace dstack::gateway
