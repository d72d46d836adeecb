#include "gatewayclient/registration.hpp"

#include "codec/json.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewayclient {
namespace {

/// As a gateway of two nodes writes it; the one with the larger key first.
const std::string good =
    R"({"wg":{"client_ip":"10.8.0.7","servers":[)"
    R"({"pk":"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","ip":"10.8.64.1/16","endpoint":"[2001:db8::1]:51820"},)"
    R"({"pk":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","ip":"10.8.0.1/16","endpoint":"192.0.2.1:9202"}]},)"
    R"("agent":{"external_port":443,"internal_port":8090,"domain":"Apps.Example.com",)"
    R"("app_address_ns_prefix":"_dstack-app-address"},)"
    R"("gateways":[{"id":1,"uuid":"00","url":"https://gw:9202","last_seen":1,"wg_public_key":"x",)"
    R"("wg_ip":"10.8.0.1","wg_endpoint":"192.0.2.1:9202"}]})";

std::string with(std::string_view from, std::string_view to)
{
  std::string out = good;
  const std::size_t at = out.find(from);
  REQUIRE(at != std::string::npos);
  return out.replace(at, from.size(), to);
}

} // namespace

TEST_SUITE("gatewayclient::registration")
{
  TEST_CASE("the request has the key in base64 and the whole policy")
  {
    WgKey key{};
    key[0] = 1;
    const route::PortPolicy policy{route::PortPolicy::Access::listed, {{80, false}, {443, true}}};
    CHECK(registration_request(key, policy) ==
          R"({"client_public_key":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",)"
          R"("port_policy":{"ports":[{"port":80,"pp":false},{"port":443,"pp":true}],)"
          R"("restrict_mode":true}})");
    CHECK(registration_request(key, {}).find(R"("ports":[],"restrict_mode":false)") !=
          std::string::npos);
  }

  TEST_CASE("an answer is read, its servers by key, prefixes cut, IPv6 endpoints and names allowed")
  {
    const auto read = parse_registration(good);
    REQUIRE(read);
    CHECK(read->client.text() == "10.8.0.7");
    CHECK(read->domain == "apps.example.com");
    CHECK(read->external_port == 443);
    REQUIRE(read->servers.size() == 2);
    CHECK(read->servers[0].public_key[0] == 1);
    CHECK(read->servers[0].address.text() == "10.8.0.1");
    CHECK(read->servers[0].host == "192.0.2.1");
    CHECK(read->servers[0].port == 9202);
    CHECK(read->servers[1].address.text() == "10.8.64.1");
    CHECK(read->servers[1].host == "2001:db8::1");
    CHECK(read->servers[1].port == 51820);
    CHECK(parse_registration(with("192.0.2.1:9202", "gw.example.com:1"))->servers[0].host ==
          "gw.example.com");
    CHECK(parse_registration(with("10.8.0.1/16", "10.8.0.1"))->servers[0].address.text() ==
          "10.8.0.1");
  }

  TEST_CASE("no servers: no tunnel, and the address says nothing")
  {
    for (const char* text :
         {R"({"wg":{"client_ip":"","servers":[]}})",
          R"({"wg":{"client_ip":"10.8.0.7"},"agent":null})",
          R"({"wg":{"servers":null},"agent":{"domain":"","external_port":0}})"}) {
      CAPTURE(text);
      const auto read = parse_registration(text);
      REQUIRE(read);
      CHECK(read->servers.empty());
      CHECK(read->domain.empty());
      CHECK(read->external_port == 0);
    }
  }

  TEST_CASE("one wrong value per member is refused")
  {
    for (const auto& change : {std::pair{R"("wg":{)", R"("wx":{)"},
                               {"10.8.0.7", ""},
                               {"10.8.0.7", "10.8.0.7/32"},
                               {"10.8.0.7", "127.0.0.1"},
                               {"10.8.0.7", "0.0.0.0"},
                               {"10.8.0.7", "224.0.0.1"},
                               {"10.8.0.7", "255.255.255.255"},
                               {"10.8.0.7", "fd00::7"},
                               {"10.8.0.7", "10.8.0.1"}, // a server's
                               {"\"10.8.0.7\"", "7"},
                               {"AgAAA", "AQAAA"}, // the other server's
                               {"AgAAA", "AgAA"},
                               {"AAA=\"", "AAA\""},
                               {"10.8.64.1/16", "10.8.0.1/16"},
                               {"10.8.64.1/16", "127.0.0.1/8"},
                               {"10.8.64.1/16", "fd00::1/64"},
                               {"10.8.64.1/16", "/16"},
                               {"192.0.2.1:9202", "192.0.2.1"},
                               {"192.0.2.1:9202", "192.0.2.1:0"},
                               {"192.0.2.1:9202", "192.0.2.1:65536"},
                               {"192.0.2.1:9202", "192.0.2.1:9202\\nPreUp = x"},
                               {"192.0.2.1:9202", ":9202"},
                               {"192.0.2.1:9202", "2001:db8::1:9202"},
                               {"[2001:db8::1]", "[2001:db8::1%2]"},
                               {"[2001:db8::1]", "[gw]"},
                               {"Apps.Example.com", "apps example.com"},
                               {"Apps.Example.com", "a\\u001b[1m"},
                               {"443", "65536"},
                               {"443", "\"443\""}}) {
      CAPTURE(change.first);
      CAPTURE(change.second);
      CHECK_FALSE(parse_registration(with(change.first, change.second)));
    }
    CHECK_FALSE(parse_registration("[]"));
    CHECK_FALSE(parse_registration("null"));
    CHECK_FALSE(parse_registration(""));
  }

  TEST_CASE("every truncation is refused, and so is more than the limits")
  {
    for (std::size_t n = 0; n < good.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(parse_registration(std::string_view{good}.substr(0, n)));
    }
    CHECK_FALSE(parse_registration(good + std::string(max_answer, ' ')));
    codec::Json servers = codec::Json::array();
    for (std::size_t i = 0; i <= max_servers; ++i) {
      WgKey key{};
      key[0] = static_cast<std::uint8_t>(i);
      servers.push(codec::Json{}
                       .set("pk", base64(key))
                       .set("ip", fmt::format("10.8.0.{}", i + 1))
                       .set("endpoint", "192.0.2.1:1"));
    }
    const auto text = [&] {
      return codec::write_json(codec::Json{}.set(
          "wg", codec::Json{}.set("client_ip", "10.8.1.1").set("servers", servers)));
    };
    CHECK_FALSE(parse_registration(text()));
    servers.items().pop_back();
    CHECK(parse_registration(text()));
  }
}

} // namespace dstack::gatewayclient
