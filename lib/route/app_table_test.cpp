#include "route/app_table.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

AppTable table()
{
  std::vector<InstanceRecord> records;
  for (const auto& [id, app] : {std::pair{"i1", "a"}, {"i2", "a"}, {"i3", "b"}, {"b", "c"}})
    records.push_back({id, app, Address::v4(static_cast<std::uint32_t>(records.size())), {}});
  return AppTable{std::move(records)};
}

std::string route_line(const Route& route, const AppTable& among)
{
  if (const auto* built_in = std::get_if<ToBuiltIn>(&route))
    return fmt::format("{} of {}", built_in->page == ToBuiltIn::Page::health ? "health" : "gateway",
                       built_in->domain);
  if (const auto* custom = std::get_if<ToCustomDomain>(&route)) return "TXT of " + custom->host;
  if (const auto* refusal = std::get_if<Refusal>(&route))
    return fmt::format("{}: {}", name_of(refusal->why), refusal->text);
  const auto& app = std::get<ToApp>(route);
  std::string out = fmt::format("{} {}", name_of(app.label.mode), app.label.port);
  for (const std::uint32_t member : app.match->members)
    out += " " + among.at(member).id;
  return out;
}

std::string of(std::string_view host)
{
  static const AppTable among = table();
  Hello hello;
  hello.server_name = std::string{host};
  return route_line(route_of(hello, {{"example.com"}}, among), among);
}

} // namespace

TEST_SUITE("route::app_table")
{
  TEST_CASE("an id is an instance's before it is an app's")
  {
    CHECK(of("i1.example.com") == "terminate 80 i1");
    CHECK(of("a-8443s.example.com") == "passthrough 8443 i1 i2");
    CHECK(of("b-50051g.example.com") == "terminate-h2 50051 b");
    CHECK(of("c.example.com") == "terminate 80 b");
    CHECK(of("x.example.com") == "unknown_app: no app or instance x is registered");
  }

  TEST_CASE("of two records with one id the first counts, for its app too")
  {
    const AppTable twice{{{"i", "a", Address::v4(1), {}}, {"i", "b", Address::v4(2), {}}}};
    CHECK(twice.at(twice.find("i")->members.at(0)).address == Address::v4(1));
    CHECK(twice.find("a")->members == std::vector<std::uint32_t>{0});
    CHECK(twice.find("b") == nullptr);
  }

  TEST_CASE("an instance whose app id is an instance's id does not join that instance")
  {
    const AppTable odd{{{"x", "a", Address::v4(1), {}}, {"y", "x", Address::v4(2), {}}}};
    CHECK(odd.find("x")->members == std::vector<std::uint32_t>{0});
  }

  TEST_CASE("a moved table still finds what it holds")
  {
    AppTable first = table();
    const AppTable second = std::move(first);
    CHECK(second.find("i3")->members == std::vector<std::uint32_t>{2});
  }

  TEST_CASE("names of the gateway itself, on their own port only, never passed through")
  {
    CHECK(of("gateway.example.com") == "gateway of example.com");
    CHECK(of("gateway-g.example.com") == "gateway of example.com");
    CHECK(of("health-80.example.com") == "health of example.com");
    CHECK(of("gateway-443.example.com") == "built_in_port: gateway has no port 443");
    CHECK(of("gateway-s.example.com") == "unknown_app: no app or instance gateway is registered");
  }

  TEST_CASE("names elsewhere ask TXT; a name of ours never does, certificate or not")
  {
    CHECK(of("www.a.example") == "TXT of www.a.example");
    CHECK(of("a.b.example.com") == "TXT of a.b.example.com");
    CHECK(of("example.com") == "TXT of example.com");
    CHECK(of("a-http.example.com").starts_with("bad_label: "));
  }

  TEST_CASE("no name and addresses are refused, and say so")
  {
    const AppTable none;
    CHECK(route_line(route_of(Hello{}, {}, none), none) == "no_name: the client named no host");
    Hello literal;
    literal.literal_address = "192.0.2.1";
    CHECK(route_line(route_of(literal, {}, none), none) ==
          "no_name: the client named the address 192.0.2.1");
  }

  TEST_CASE("a custom domain is passed through to what its record says; special names are not")
  {
    const AppTable among = table();
    CHECK(route_line(route_of(CustomTarget{"a", 8443}, among), among) == "passthrough 8443 i1 i2");
    CHECK(
        route_line(route_of(CustomTarget{"gateway", 80}, among), among).starts_with("unknown_app"));
  }

  TEST_CASE("every reason has a name and an alert")
  {
    CHECK(alert_of(RefusedFor::unknown_app) == Alert::unrecognized_name);
    CHECK(alert_of(RefusedFor::policy_unknown) == Alert::access_denied);
    CHECK(alert_of(RefusedFor::unreachable) == Alert::internal_error);
    CHECK(name_of(RefusedFor::over_limit) == "over_limit");
  }
}

} // namespace dstack::route
