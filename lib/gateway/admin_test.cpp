#include "gateway/admin.hpp"

#include "gateway/metrics.hpp"

#include <doctest/doctest.h>

namespace dstack::gateway {

namespace {

using codec::Json;

constexpr std::int64_t now_ms = 1'800'000'000'000;

HostView host(std::string id, std::int64_t handshake_ms)
{
  HostView out;
  out.entry.instance_id = std::move(id);
  out.entry.app_id = "a1";
  out.entry.address = *route::parse_address("10.8.0.2");
  out.entry.registered = Time{now_ms - 60'000};
  out.handshake_ms = handshake_ms;
  out.connections = 3;
  return out;
}

struct AdminWorld {
  AdminWorld()
  {
    view.now = Time{now_ms};
    view.self.base_domain = "example.com";
    view.self.external_port = 443;
    view.hosts = {host("b1", now_ms - 299'000), host("b2", 0)};
    DomainView domain;
    domain.settings.name = "example.com";
    domain.not_after = Time{now_ms + 1000};
    view.domains = {domain};
    outside.view = [this] { return view; };
    view.self.id = 1;
    view.nodes.resize(2);
    view.nodes[0].self.id = 1;
    view.nodes[1].self.id = 3;
    view.nodes[1].accepting = false;
    view.hosts[0].heard = {{3, Time{now_ms - 5000}}};
    using Done = AdminOutside::Done;
    outside.set_policy = [this](const std::string& id,
                                const std::optional<route::PortPolicy>& policy, const Done& done) {
      steps.push_back(fmt::format("policy {} {}", id, policy ? "set" : "cleared"));
      done(known(id));
    };
    outside.drain = [this](const std::string& id, bool drained, const Done& done) {
      steps.push_back(fmt::format("drain {} {}", id, drained));
      done(known(id));
    };
    outside.set_accepting = [this](std::uint64_t node, bool accepting, const Done& done) {
      steps.push_back(fmt::format("node {} {}", node, accepting));
      if (node == 1) view.accepting = accepting;
      done(ok());
    };
    outside.add_domain = [this](const DomainSettings& one, const Done& done) {
      DomainView added;
      added.settings = one;
      view.domains.push_back(added);
      done(ok());
    };
    outside.delete_domain = [this](const std::string& name, const Done& done) {
      steps.push_back("delete " + name);
      done(ok());
    };
    outside.renew = [this](const std::string& name) -> Status {
      steps.push_back("renew " + name);
      return ok();
    };
    outside.set_caa = [this](const std::string& name, const AdminOutside::Done& done) {
      steps.push_back("caa " + name);
      done(caa_fails ? Status{fail(Errc::io, "no DNS")} : Status{ok()});
    };
    outside.reload = [this]() -> Status {
      steps.emplace_back("reload");
      return ok();
    };
    outside.attestations = [](const std::string&) -> Result<std::vector<Attested>> {
      return std::vector<Attested>{{{2}, "q2", "", Time{2000}}, {{1}, "q1", "", Time{1000}}};
    };
    outside.exit = [this](bool now) { steps.push_back(now ? "exit now" : "exit"); };
  }

  Status known(const std::string& id) const
  {
    if (id == "b1" || id == "b2") return ok();
    return fail(Errc::not_found, "no instance {} is registered", id);
  }
  http::Response ask(std::string_view method, const Json& body) const
  {
    http::Response out;
    rpc::answer(admin_service(outside),
                {"POST", fmt::format("/prpc/{}?json", method), {}, write_json(body)},
                [&](http::Response response) { out = std::move(response); });
    return out;
  }
  Json get(std::string_view method, const Json& body = Json::object()) const
  {
    const auto answer = ask(method, body);
    CHECK_MESSAGE(answer.status == 200, answer.body);
    return answer.status == 200 ? *codec::parse_json(answer.body) : Json{};
  }
  std::string why(std::string_view method, const Json& body = Json::object()) const
  {
    const auto answer = ask(method, body);
    CHECK(answer.status == 400);
    return *codec::parse_json(answer.body)->need_string("error");
  }

  View view{};
  AdminOutside outside{};
  bool caa_fails = false;
  std::vector<std::string> steps{};
};

http::Request with(std::string name, std::string value)
{
  return {"GET", "/", {{std::move(name), std::move(value)}}, ""};
}

} // namespace

TEST_SUITE("gateway::admin")
{
  TEST_CASE("who is there and how they are")
  {
    const AdminWorld world;
    const Json status = world.get("Admin.Status");
    REQUIRE(status.find("hosts")->items().size() == 2);
    const Json& first = status.find("hosts")->items()[0];
    CHECK(*first.need_u64("latest_handshake") == (now_ms - 299'000) / 1000);
    CHECK(*first.need_string("base_domain") == "example.com");
    CHECK(*status.need_string("status") == "up");
    CHECK(write_json(world.get("GetMeta")) == R"({"registered":2,"online":1})");
    CHECK(*world.get("GetInfo", Json{}.set("id", "b2")).get_bool("found", false));
    CHECK_FALSE(*world.get("GetInfo", Json{}.set("id", "b")).get_bool("found", true));
  }

  TEST_CASE("port policies are set by the operator, cleared, and shown with their source")
  {
    AdminWorld world;
    Json body = Json{}.set("instance_id", "b1");
    CHECK(world.why("SetInstancePortPolicy", body) == "'policy' is missing");
    body.set("policy", *codec::parse_json(R"({"ports":[{"port":0}],"restrict_mode":true})"));
    CHECK(world.why("SetInstancePortPolicy", body).find("port 0") != std::string::npos);
    body.set("policy", *codec::parse_json(R"({"ports":[{"port":80}],"restrict_mode":true})"));
    world.get("SetInstancePortPolicy", body);
    world.get("ClearInstancePortPolicy", Json{}.set("instance_id", "b1"));
    CHECK(world.steps == std::vector<std::string>{"policy b1 set", "policy b1 cleared"});
    CHECK(
        world.why("ClearInstancePortPolicy", Json{}.set("instance_id", "c")).find("no instance") !=
        std::string::npos);

    const auto source = [&] {
      return *world.get("GetInstancePortPolicy", Json{}.set("instance_id", "b1"))
                  .need_string("source");
    };
    CHECK(source() == "none");
    world.view.hosts[0].entry.policies.reported = route::PortPolicy{};
    CHECK(source() == "instance");
    world.view.hosts[0].entry.policies.set_by_admin = route::PortPolicy{};
    CHECK(source() == "admin");
    CHECK(world.why("GetInstancePortPolicy", Json{}.set("instance_id", "c")).find("no instance") !=
          std::string::npos);
  }

  TEST_CASE("instances are drained, and this node, too")
  {
    AdminWorld world;
    world.get("DrainInstance", Json{}.set("instance_id", "b1").set("drained", true));
    CHECK(world.steps == std::vector<std::string>{"drain b1 true"});
    world.get("SetNodeStatus", Json{}.set("id", 1).set("status", "down"));
    CHECK_FALSE(world.view.accepting);
    world.get("SetNodeStatus", Json{}.set("id", 3).set("status", "up"));
    CHECK(world.steps.back() == "node 3 true");
    CHECK(world.why("SetNodeStatus", Json{}.set("id", 2).set("status", "up")) == "no node 2");
    CHECK(world.why("SetNodeStatus", Json{}.set("id", 1).set("status", "off")).find("'off'") !=
          std::string::npos);
  }

  TEST_CASE("the nodes of a cluster, the store, and who heard of an instance")
  {
    AdminWorld world;
    CHECK(write_json(world.get("GetNodeStatuses")) ==
          R"({"statuses":[{"node_id":1,"status":"up"},{"node_id":3,"status":"down"}]})");
    CHECK(world.get("Status").find("store")->is_null());
    world.view.store = {true, false, "no majority", "http://e", 2};
    world.view.nodes[0].connections = 5;
    world.view.nodes[1].connections = 4;
    CHECK(write_json(world.get("GetGlobalConnections")) ==
          R"({"total_connections":9,"node_connections":{"1":5,"3":4}})");
    world.view.nodes[1].up = false;
    CHECK(write_json(world.get("GetGlobalConnections")) ==
          R"({"total_connections":5,"node_connections":{"1":5}})");
    const Json status = world.get("Status");
    CHECK(*status.find("store")->need_string("problem") == "no majority");
    CHECK_FALSE(*status.find("nodes")->items()[1].get_bool("up", true));
    const Json heard = world.get("GetInstanceHandshakes", Json{}.set("instance_id", "b1"));
    CHECK(write_json(heard) == fmt::format(R"({{"handshakes":[{{"observer_node_id":3,"timestamp":)"
                                           R"({}}},{{"observer_node_id":1,"timestamp":{}}}]}})",
                                           (now_ms - 5000) / 1000, (now_ms - 299'000) / 1000));
    CHECK(world.why("GetInstanceHandshakes", Json{}.set("instance_id", "c")).find("no instance") !=
          std::string::npos);
    CHECK(metrics_text(world.view).find("dstack_gateway_store_healthy 0\n") != std::string::npos);
  }

  TEST_CASE("domains")
  {
    AdminWorld world;
    CHECK(world.get("ListZtDomains").find("domains")->items().size() == 1);
    const Json named = Json{}.set("domain", "*.Example.COM.");
    CHECK(*world.get("GetZtDomain", named).find("cert_status")->get_bool("has_cert", false));
    CHECK(world.why("AddZtDomain", named).find("there already") != std::string::npos);
    const Json added =
        world.get("AddZtDomain", Json{}.set("domain", "b.example").set("priority", 3));
    CHECK(*added.find("config")->need_u64("priority") == 3);
    CHECK(world.why("GetZtDomain", Json{}.set("domain", "c.example")).find("no domain") !=
          std::string::npos);
    CHECK(world.why("AddZtDomain", Json{}.set("domain", "a b")).find("no domain") !=
          std::string::npos);
    world.get("DeleteZtDomain", Json{}.set("domain", "b.example"));
    world.get("RenewZtDomainCert", named);
    CHECK(*world.get("RenewCert").get_bool("renewed", false));
    world.get("ReloadCert");
    CHECK(world.steps == std::vector<std::string>{"delete b.example", "renew example.com",
                                                  "renew example.com", "renew b.example",
                                                  "reload"});
  }

  TEST_CASE("CAA records of all domains; the error names those that were not set")
  {
    AdminWorld world;
    world.get("SetCaa");
    CHECK(world.steps == std::vector<std::string>{"caa example.com"});
    world.caa_fails = true;
    CHECK(world.why("SetCaa") == "CAA records were not set: example.com: no DNS");
  }

  TEST_CASE("attestations of keys, newest first")
  {
    const AdminWorld world;
    const Json all = world.get("ListCertAttestations", Json{}.set("domain", "example.com"));
    CHECK(*all.find("latest")->need_string("public_key") == "02");
    CHECK(all.find("history")->items().size() == 2);
    const Json one =
        world.get("ListCertAttestations", Json{}.set("domain", "example.com").set("limit", 1));
    CHECK(one.find("history")->items().size() == 1);
  }

  TEST_CASE("Exit drains, or is at once")
  {
    AdminWorld world;
    world.get("Exit");
    world.get("Exit", Json{}.set("force", true));
    CHECK(world.steps == std::vector<std::string>{"exit", "exit now"});
  }

  TEST_CASE("over TCP the token is needed, in one of the published ways")
  {
    const auto may = [](const http::Request& request) {
      return admin_access(request, "s3cret") == Access::granted;
    };
    CHECK(may(with("X-Admin-Token", "s3cret")));
    CHECK(may(with("Authorization", "Bearer s3cret")));
    CHECK(may(with("Authorization", "Basic " + base64(as_bytes("admin:s3cret")))));
    CHECK(may(with("Authorization", "basic " + base64(as_bytes("s3cret:")))));
    CHECK_FALSE(may({"GET", "/?token=s3cret", {}, ""}));
    CHECK_FALSE(may(with("X-Admin-Token", "s3cre")));
    CHECK_FALSE(may(with("X-Admin-Token", "")));
    CHECK_FALSE(may(with("Authorization", "Bearer s3cret2")));
    CHECK_FALSE(may(with("Authorization", "Bearer")));
    CHECK_FALSE(may(with("Authorization", "Basic s3cret")));
    CHECK_FALSE(may(with("Authorization", "Basic " + base64(as_bytes("s3cret:x")))));
    CHECK_FALSE(may(with("Authorization", "Digest s3cret")));
    CHECK(admin_access(with("X-Admin-Token", ""), "") == Access::refused);
    CHECK(admin_refusal().status == 401);
  }
}

TEST_SUITE("gateway::metrics")
{
  TEST_CASE("every series once, with its kind")
  {
    AdminWorld world;
    world.view.live = 12;
    world.view.data_plane = {{"accepted", 5}};
    world.view.refused = {{"unknown_app", 2}};
    world.view.control = {{"registrations", 9}};
    const std::string text = metrics_text(world.view);
    for (const char* line :
         {"dstack_gateway_instances 2\n", "dstack_gateway_instances_online 1\n",
          "dstack_gateway_connections 12\n", "dstack_gateway_proxy_accepted_total 5\n",
          "dstack_gateway_refused_total{reason=\"unknown_app\"} 2\n",
          "dstack_gateway_registrations_total 9\n",
          "dstack_gateway_certificate_expiry_timestamp_seconds{domain=\"example.com\"} "
          "1800000001\n",
          "# TYPE dstack_gateway_registrations_total counter\n"})
      CHECK_MESSAGE(text.find(line) != std::string::npos, line);
  }
}

} // namespace dstack::gateway
