#include "agents/gateway/local_vms.hpp"

#include "agents/gateway/launch_settings.hpp"
#include "store/vm_store.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewaynode {

namespace {

using codec::Json;

store::VmSpec vm(const std::string& id, std::vector<vm::PortForward> ports)
{
  store::VmSpec out;
  out.id = id;
  out.name = "vm-" + id;
  out.created_at = "2026-01-01T00:00:00Z";
  out.image = {"i", "/i", std::string(64, 'a')};
  out.app = {"a", std::string(40, 'b'), std::string(64, 'c')};
  out.ports = std::move(ports);
  return out;
}

void put(const sys::TestDirectory& scratch, const store::VmSpec& spec, const std::string& instance)
{
  const auto made = store::VmStore{scratch.path}.create(
      spec, [](const std::filesystem::path&) -> Status { return ok(); });
  REQUIRE_MESSAGE(made, made.error().message());
  store::VmState state;
  state.status = store::VmStatus::running;
  state.instance_id = instance;
  REQUIRE(store::write_state(scratch.path / spec.id, state));
}

} // namespace

TEST_SUITE("gatewaynode::local_vms")
{
  TEST_CASE("VMs that run and say who they are, with the TCP ports that are forwarded")
  {
    const sys::TestDirectory scratch;
    CHECK(read_local_vms(scratch.path)->empty());
    put(scratch,
        vm("0123456789ab", {{vm::Protocol::tcp, "127.0.0.1", 40080, 80},
                            {vm::Protocol::udp, "127.0.0.1", 40053, 53},
                            {vm::Protocol::tcp, "0.0.0.0", 40443, 443}}),
        "AB12");
    put(scratch, vm("0123456789ac", {}), "");
    CHECK(read_local_vms(scratch.path)->empty()); // nobody supervises them
    const auto first =
        sys::FileLock::acquire(scratch.path / "0123456789ab/supervisor.lock", "test", {});
    const auto second =
        sys::FileLock::acquire(scratch.path / "0123456789ac/supervisor.lock", "test", {});
    REQUIRE((first && second));
    const auto found = *read_local_vms(scratch.path);
    REQUIRE(found.size() == 1);
    CHECK(text_of(found.at("ab12")) == "80>127.0.0.1:40080, 443>127.0.0.1:40443");
  }
}

TEST_SUITE("gatewaynode::launch_settings")
{
  TEST_CASE("what a starter says, and nothing else")
  {
    Json config;
    config.set("agent", "unix:/a").set("wireguard", false);
    config.set("proxy_listen", codec::JsonArray{Json{"127.0.0.1:0"}});
    const auto read = launch_settings(config);
    REQUIRE(read);
    CHECK(read->agent == "unix:/a");
    CHECK_FALSE(read->wireguard);
    CHECK(read->proxy_listen == std::vector<std::string>{"127.0.0.1:0"});
    CHECK(launch_settings(Json::object())->wireguard);
    CHECK_FALSE(launch_settings(Json{}.set("token", "secret")));
    CHECK_FALSE(launch_settings(Json{}.set("agent", 1)));
  }
}

} // namespace dstack::gatewaynode
