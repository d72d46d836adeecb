#include "cli/deploy/gateway.hpp"

#include "cli/deploy/sys_config.hpp"

#include <doctest/doctest.h>

namespace dstack::cli {
namespace {

store::VmSpec spec_of_a_shop()
{
  store::VmSpec spec;
  spec.app.app_id = std::string(40, 'a');
  spec.ports = {{vm::Protocol::tcp, "127.0.0.1", 18080, 8080},
                {vm::Protocol::udp, "127.0.0.1", 5353, 53},
                {vm::Protocol::tcp, "127.0.0.1", 18443, 443}};
  return spec;
}

} // namespace

TEST_SUITE("cli::gateway")
{
  TEST_CASE("each TCP port has a name of its number in the VM")
  {
    GatewayView view;
    view.registered = true;
    view.domain = "example.com";
    view.external_port = 443;
    const std::string id(40, 'a');
    const auto spec = spec_of_a_shop();
    CHECK(gateway_names(view, spec) ==
          std::vector<std::string>{"https://" + id + "-8080.example.com",
                                   "https://" + id + "-443.example.com"});
    view.external_port = 8443;
    CHECK(gateway_names(view, spec).front() == "https://" + id + "-8080.example.com:8443");
    view.domain = "";
    CHECK(gateway_names(view, spec).empty());
  }

  TEST_CASE("addresses given replace those known, and need a KMS")
  {
    AppOptions app;
    const std::vector<std::string> known{"https://old"};
    CHECK(*choose_gateways({}, known, HasKms::no, app) == known);
    CHECK_FALSE(app.gateway);
    const GatewayOptions two{{"https://a:1, https://b", "https://[::1]:2"}};
    const auto refused = choose_gateways(two, known, HasKms::no, app);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::usage);
    CHECK(*choose_gateways(two, known, HasKms::yes, app) ==
          std::vector<std::string>{"https://a:1", "https://b", "https://[::1]:2"});
    CHECK(app.gateway);
    CHECK_FALSE(choose_gateways({{"http://a"}}, known, HasKms::yes, app));
    CHECK_FALSE(choose_gateways({{","}}, known, HasKms::yes, app));
  }

  TEST_CASE("a guest is told addresses as it reaches them")
  {
    auto spec = spec_of_a_shop();
    spec.gateway_urls = {"https://localhost:9202", "https://gw.example.com"};
    const auto told = codec::parse_json(sys_config(spec, {}, {}));
    REQUIRE(told);
    CHECK(*told->get_strings("gateway_urls") ==
          std::vector<std::string>{"https://10.0.2.2:9202", "https://gw.example.com"});
  }
}

} // namespace dstack::cli
