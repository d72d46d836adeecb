#include "agents/kms/deployment.hpp"

#include "net/http_server.hpp"
#include "rpc/prpc.hpp"
#include "sys/sockets.hpp"
#include "sys/test_directory.hpp"
#include "sys/workers.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsnode {

namespace {

using Variables = std::map<std::string, std::string>;

Variables good()
{
  const std::string key(64, 'a');
  return {{"DSTACK_KMS_SETTINGS", kms::settings_text({})},
          {"DSTACK_KMS_POLICY", "[kms]\nmr_aggregated = []\ndevices = \"any\"\n"},
          {"DSTACK_KMS_ROOT",
           fmt::format(R"({{"custodians":["alice={0}","bob={0}"],"threshold":2}})", key)}};
}

Result<std::optional<Deployment>> read(const Variables& variables)
{
  return read_deployment([&](const char* name) {
    const auto at = variables.find(name);
    return at == variables.end() ? std::string{} : at->second;
  });
}

std::string why_not(std::string_view name, const std::string& value)
{
  Variables variables = good();
  variables[std::string{name}] = value;
  const auto out = read(variables);
  return out ? "accepted" : out.error().message();
}

/// Calls work while a guest agent answers Info with that tcb_info on a socket below directory.
void with_agent(const sys::fs::path& socket,
                const std::string& tcb_info,
                const std::function<void()>& work)
{
  const auto loop = *sys::Loop::create();
  rpc::Service service;
  service.methods["Info"] = rpc::Method{[&](const codec::Json&) -> Result<codec::Json> {
    return codec::Json{}.set("tcb_info", tcb_info);
  }};
  net::HttpServer server{*loop, net::ServerLimits{},
                         [&](const http::Request& request, const net::Responder& to) {
                           to.send(rpc::answer(service, request));
                         }};
  REQUIRE(server.serve(*sys::listen_unix(socket, 0700)));
  const auto pool = *sys::WorkerPool::create(*loop, {});
  REQUIRE(pool->run(work, [&] { loop->stop(); }));
  REQUIRE(loop->run());
}

} // namespace

TEST_SUITE("kmsnode::deployment")
{
  TEST_CASE("a deployment is what the environment says, or there is none")
  {
    CHECK_FALSE(*read({}));
    const auto out = read(good());
    REQUIRE(out);
    REQUIRE(*out);
    CHECK((*out)->custodians.size() == 2);
    CHECK((*out)->threshold == 2);
    CHECK((*out)->join.empty());
    CHECK_FALSE((*out)->simulated);
  }

  TEST_CASE("shares that nobody could keep to himself are refused, and other nonsense")
  {
    CHECK(why_not("DSTACK_KMS_ROOT", R"({"custodians":["alice"],"threshold":1})") ==
          "DSTACK_KMS_ROOT: custodian 'alice' has no key that the share can be sealed to");
    const std::string alice = "alice=" + std::string(64, 'a');
    for (const int threshold : {0, 2})
      CHECK(why_not("DSTACK_KMS_ROOT",
                    fmt::format(R"({{"custodians":["{}"],"threshold":{}}})", alice, threshold)) ==
            fmt::format("DSTACK_KMS_ROOT: threshold {} of 1 custodians", threshold));
    CHECK(why_not("DSTACK_KMS_ROOT", "").starts_with("DSTACK_KMS_ROOT: "));
    CHECK(why_not("DSTACK_KMS_SIMULATED_TEE", "{}")
              .starts_with("DSTACK_KMS_SIMULATED_TEE: 'root' is missing"));
  }

  TEST_CASE("settings and policy replace what is there, and the policy gets our own measurement")
  {
    const sys::TestDirectory scratch;
    const sys::fs::path socket = scratch.path / "agent.sock";
    Deployment deployment = **read(good());
    kms::Settings settings;
    settings.agent = "unix:" + socket.string();
    deployment.settings = kms::settings_text(settings);
    deployment.simulated = tee::SimTrust{{1, 2}, "{}"};
    NodeOptions options;
    options.directory = scratch.path;
    REQUIRE(sys::write_file_atomic(scratch.path / "policy.toml", as_bytes("[kms]\n"),
                                   sys::Privacy::owner_only));
    const std::string mr(64, 'e');
    Status done = fail(Errc::internal, "not run");
    with_agent(socket, fmt::format(R"({{"mr_aggregated":"{}"}})", mr),
               [&] { done = put_in_place(deployment, options); });
    REQUIRE(done);
    const auto policy = *load_policy(scratch.path / "policy.toml");
    CHECK(policy.policy->kms.mr_aggregated.values == std::vector<std::string>{mr});
    CHECK(policy.policy->kms.devices.any);
    CHECK(*sys::read_text(scratch.path / "kms.toml", kms::max_settings) == deployment.settings);
    CHECK(options.launch.simulated_tee == "simulated-tee");
    CHECK(tee::read_sim_trust(scratch.path / "simulated-tee")->value().root == Bytes{1, 2});
    CHECK(options.launch.custodians == deployment.custodians);
    with_agent(socket, "{}", [&] { done = put_in_place(deployment, options); });
    CHECK_FALSE(done); // an agent that does not say what it measures
  }
}

} // namespace dstack::kmsnode
