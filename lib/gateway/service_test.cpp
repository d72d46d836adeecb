#include "gateway/service.hpp"

#include "gateway/messages.hpp"
#include "rpc/wire.hpp"

#include <doctest/doctest.h>

namespace dstack::gateway {

namespace {

using codec::Json;

/// A gateway that does as it is told and writes down what it was asked.
struct GatewayWorld {
  GatewayWorld()
  {
    self.uuid = Bytes(16, 7);
    self.app_id = Bytes(20, 0x99);
    self.version = "0.1.0";
    self.url = "https://gw.example.com:8000";
    self.wg_public_key = base64(Bytes(32, 5));
    self.wg_ip = "10.8.0.1/16";
    self.wg_endpoint = "gw.example.com:51820";
    self.base_domain = "example.com";
    self.external_port = 443;
    self.agent_port = 8090;
    self.txt_prefix = "_dstack-app-address";
    caller.app.emplace();
    caller.app->app_id = caller.app_id = Bytes(20, 0xa1);
    caller.app->instance_id = Bytes(20, 0xb2);
    caller.app->compose_hash = Bytes(32, 0xc1);
    outside.now = [] { return Time{1'800'000'000'000}; };
    outside.self = [this] { return self; };
    outside.nodes = [this] {
      std::vector<Self> out = others;
      out.insert(out.begin(), self);
      return out;
    };
    outside.accepting = [this] { return accepting; };
    outside.admit = [this](const attest::AppInfo& app, const std::function<void(Status)>& done) {
      asked_webhook = app.app_id;
      done(admitted ? Status{ok()} : Status{fail(Errc::denied, "the webhook says no")});
    };
    outside.enrol = [this](const route::Enrolment& who, const GatewayOutside::Enrolled& done) {
      enrolled.push_back(who);
      if (refused) return done(*refused);
      route::RegistryEntry entry;
      entry.address = *route::parse_address("10.8.0.2");
      done(entry);
    };
    outside.acme_info = [] { return acme_info_json("https://ca/account/1", std::nullopt, {}); };
  }

  http::Response ask(http::Request request) const
  {
    return rpc::answer(gateway_service(outside, caller), request);
  }
  Json get(std::string_view method, const Json& body = Json::object()) const
  {
    const auto answer = ask({"POST", fmt::format("/prpc/{}?json", method), {}, write_json(body)});
    CHECK_MESSAGE(answer.status == 200, answer.body);
    return answer.status == 200 ? *codec::parse_json(answer.body) : Json{};
  }
  std::string why(std::string_view method, const Json& body = Json::object()) const
  {
    const auto answer = ask({"POST", fmt::format("/prpc/{}?json", method), {}, write_json(body)});
    CHECK(answer.status == 400);
    return *codec::parse_json(answer.body)->need_string("error");
  }

  Self self{};
  std::vector<Self> others{};
  Caller caller{};
  GatewayOutside outside{};
  bool accepting = true;
  bool admitted = true;
  std::optional<Error> refused{};
  Bytes asked_webhook{};
  std::vector<route::Enrolment> enrolled{};
};

Json registration()
{
  return Json{}.set("client_public_key", base64(Bytes(32, 9)));
}

} // namespace

TEST_SUITE("gateway::service")
{
  TEST_CASE("a VM registers with what its certificate says of it")
  {
    GatewayWorld world;
    Json body = registration();
    body.set("port_policy",
             *codec::parse_json(R"({"ports":[{"port":443,"pp":true}],"restrict_mode":true})"));
    const Json answer = world.get("RegisterCvm", body);
    REQUIRE(world.enrolled.size() == 1);
    const route::Enrolment& who = world.enrolled[0];
    CHECK(who.app_id == Bytes(20, 0xa1));
    CHECK(who.instance_id == Bytes(20, 0xb2));
    CHECK(who.compose_hash == Bytes(32, 0xc1));
    CHECK(who.public_key[31] == 9);
    REQUIRE(who.reported);
    CHECK(who.reported->rules == std::vector<route::PortRule>{{443, true}});
    CHECK(world.asked_webhook == who.app_id);
    CHECK(
        write_json(*answer.find("wg")) ==
        R"({"client_ip":"10.8.0.2","servers":[{"pk":"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=",)"
        R"("ip":"10.8.0.1/16","endpoint":"gw.example.com:51820"}]})");
    CHECK(write_json(*answer.find("agent")) ==
          R"({"external_port":443,"internal_port":8090,"domain":"example.com",)"
          R"("app_address_ns_prefix":"_dstack-app-address"})");
    CHECK(*answer.find("gateways")->items()[0].need_u64("last_seen") == 1'800'000'000);
  }

  TEST_CASE("without WireGuard no server is named, so that VMs make no interface")
  {
    GatewayWorld world;
    world.self.wg_public_key.clear();
    const Json answer = world.get("RegisterCvm", registration());
    CHECK(answer.find("wg")->find("servers")->items().empty());
  }

  TEST_CASE("the same over protobuf, and under the published prefix")
  {
    const GatewayWorld world;
    const Bytes body = *rpc::write_message(messages::register_cvm(), registration());
    const auto answer = world.ask({"POST", "/prpc/Tproxy.RegisterCvm", {}, to_text(body)});
    REQUIRE(answer.status == 200);
    const Json read = *rpc::read_message(messages::registered(), as_bytes(answer.body));
    CHECK(*read.find("wg")->need_string("client_ip") == "10.8.0.2");
    CHECK(*read.find("agent")->need_u64("internal_port") == 8090);
    CHECK(gateway_method({"POST", "/prpc/Tproxy.Info", {}, ""}) == "Info");
    CHECK(gateway_method({"GET", "/prpc/Gateway.Info", {}, ""}) == "Gateway.Info");
    CHECK(gateway_method({"PUT", "/prpc/Info", {}, ""}).empty());
    CHECK(gateway_method({"GET", "/prpc/a/b", {}, ""}).empty());
  }

  TEST_CASE("who is no VM does not register, and is not told to come back with a quote")
  {
    GatewayWorld world;
    world.caller = {};
    const std::string said = world.why("RegisterCvm", registration());
    CHECK(said.find("client certificate") != std::string::npos);
    CHECK(lower(said).find("no attestation provided") == std::string::npos);
    CHECK(world.enrolled.empty());
  }

  TEST_CASE("what is refused never gets to the registry")
  {
    GatewayWorld world;
    const auto refused = [&](const Json& body, std::string_view text) {
      const std::string said = world.why("RegisterCvm", body);
      CHECK_MESSAGE(said.find(text) != std::string::npos, said);
      CHECK(world.enrolled.empty());
    };
    for (const char* key :
         {"", "AAAA", "not base64!", "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"})
      refused(Json{}.set("client_public_key", key), "client_public_key");
    for (const char* port : {"0", "65536"}) {
      Json body = registration();
      body.set("port_policy",
               *codec::parse_json(fmt::format(R"({{"ports":[{{"port":{}}}]}})", port)));
      refused(body, "port_policy: ports: port");
    }
    world.admitted = false;
    refused(registration(), "the webhook says no");
    world.admitted = true;
    world.accepting = false;
    refused(registration(), "takes no registrations");
  }

  TEST_CASE("why the registry refuses is told")
  {
    GatewayWorld world;
    world.refused = fail(Errc::denied, "IP pool exhausted");
    CHECK(world.why("RegisterCvm", registration()) == "IP pool exhausted");
  }

  TEST_CASE("VMs are told of all nodes, and gateways of the others")
  {
    GatewayWorld world;
    Self other = world.self;
    other.id = 2;
    other.url = "https://gw2.example.com:8000";
    other.wg_ip = "10.8.64.1/16";
    Self hidden = other;
    hidden.id = 3;
    hidden.url = hidden.wg_public_key = "";
    world.others = {other, hidden};
    const Json answer = world.get("RegisterCvm", registration());
    const auto& servers = answer.find("wg")->find("servers")->items();
    REQUIRE(servers.size() == 2);
    CHECK(*servers[1].need_string("ip") == "10.8.64.1/16");
    CHECK(answer.find("gateways")->items().size() == 2);
    CHECK(*answer.find("gateways")->items()[1].need_u64("id") == 2);
    world.caller.app_id = world.self.app_id;
    CHECK(write_json(*world.get("GetPeers").find("peers")) ==
          R"([{"id":2,"url":"https://gw2.example.com:8000"},{"id":3,"url":""}])");
  }

  TEST_CASE("anybody may ask for Info and AcmeInfo, gateways of this app for the others")
  {
    GatewayWorld world;
    world.caller = {};
    CHECK(write_json(world.get("Info")) ==
          R"({"base_domain":"example.com","external_port":443,)"
          R"("app_address_ns_prefix":"_dstack-app-address","version":"0.1.0"})");
    CHECK(*world.get("AcmeInfo").need_string("account_uri") == "https://ca/account/1");
    CHECK(world.why("GetPeers").find("only gateways") != std::string::npos);
    world.caller.app_id = Bytes(20, 0xa1);
    CHECK(world.why("GetPeers").find("only gateways") != std::string::npos);
    world.caller.app_id = world.self.app_id;
    CHECK(*world.get("GetPeers").need_string("my_url") == world.self.url);
    world.self.app_id.clear();
    world.caller.app_id.clear();
    CHECK(world.why("GetPeers").find("only gateways") != std::string::npos);
  }

  TEST_CASE("acme-info holds every key with its quote, and the list that monitors ask for")
  {
    const Attested key{{1, 2}, "q", "a", {}};
    const Attested account{{}, "aq", "aa", {}};
    CHECK(write_json(acme_info_json("u", account, {key})) ==
          R"({"account_uri":"u","quoted_hist_keys":[{"public_key":"0102","quote":"q",)"
          R"("attestation":"a"}],"account_quote":"aq","account_attestation":"aa",)"
          R"("hist_keys":["0102"]})");
  }
}

} // namespace dstack::gateway
