#include "store/vm_store.hpp"

#include "base/text.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

namespace dstack::store {

namespace fs = std::filesystem;

namespace {


VmSpec spec_named(const std::string& name, std::uint8_t number)
{
  VmSpec spec;
  spec.id = vm_id_from({0xab, 0xcd, 0, 0, 0, number});
  spec.name = name;
  spec.created_at = fmt::format("2026-11-23T02:00:{:02}Z", number);
  spec.image = {"dstack-0.1.0", "/images/dstack-0.1.0", std::string(64, 'a')};
  spec.ports = {{vm::Protocol::tcp, "127.0.0.1", 8080, 80}};
  spec.restart = {RestartPolicy::on_failure, 3};
  spec.app = {name, fmt::format("{:02x}{}", number, std::string(38, 'b')), std::string(64, 'c')};
  spec.bundle = "bundle.tar";
  return spec;
}

Status nothing(const fs::path&)
{
  return ok();
}

template <class T> std::string message(const Result<T>& result)
{
  return result ? "accepted" : result.error().message();
}

} // namespace

TEST_SUITE("store::VmSpec")
{
  TEST_CASE("spec and state survive the way through JSON")
  {
    VmSpec spec = spec_named("web", 1);
    CHECK(to_json(spec).find("gateway_urls") == nullptr);
    spec.gateway_urls = {"https://127.0.0.1:9202", "https://gw.example.com"};
    const auto again = spec_from_json(to_json(spec));
    REQUIRE(again);
    CHECK(to_json(*again) == to_json(spec));
    CHECK(again->gateway_urls == spec.gateway_urls);
    CHECK(to_json(spec).find("placement") == nullptr);
    spec.tee = Tee::snp;
    spec.placement.networks = {
        {}, {vm::NetworkMode::bridge, "br0", "192.168.7.2/24", "192.168.7.1", "9.9.9.9"}};
    spec.placement.hugepages = true;
    spec.placement.pin_numa = true;
    spec.placement.gpus = {"0000:17:00.0"};
    spec.placement.nvswitches = {"0000:07:00.0"};
    spec.placement.pci_hole64_bytes = std::uint64_t{8} << 40U;
    spec.placement.pci_hotplug = false;
    const auto placed = spec_from_json(to_json(spec));
    REQUIRE(placed);
    CHECK(placed->placement == spec.placement);
    CHECK(placed->tee == Tee::snp);
    VmState state;
    state.status = VmStatus::booting;
    state.pid = 42;
    state.stages = {{"boot.progress", "measured", 900}};
    state.last_error = "dm-verity";
    const auto state_again = state_from_json(to_json(state));
    REQUIRE(state_again);
    CHECK(to_json(*state_again) == to_json(state));
  }

  TEST_CASE("a wrong member is refused by name")
  {
    const auto broken = [](std::string_view key, codec::Json value) {
      return message(spec_from_json(to_json(spec_named("web", 1)).set(key, std::move(value))));
    };
    CHECK(broken("schema", "dstack.vm/2").find("dstack.vm/2") != std::string::npos);
    CHECK(broken("id", "ABCDEF012345").starts_with("id:"));
    CHECK(broken("id", "../../etc/pas").starts_with("id:"));
    CHECK(broken("name", "Web_1").starts_with("name:"));
    CHECK(broken("cpus", 0).starts_with("cpus:"));
    CHECK(broken("memory_bytes", std::uint64_t{(1U << 30U) + 1}).starts_with("memory_bytes:"));
    CHECK(broken("disk_bytes", 5).starts_with("disk_bytes:"));
    CHECK(broken("tee", "sgx").starts_with("tee:"));
    CHECK(broken("bundle", "../x").starts_with("bundle:"));
    CHECK(broken("boot_deadline_ms", 0).starts_with("boot_deadline_ms:"));
    CHECK(broken("image", 3).find("image") != std::string::npos);
    CHECK(broken("ports", codec::Json::object()).find("ports") != std::string::npos);
    codec::Json port = to_json(vm::PortForward{vm::Protocol::udp, "127.0.0.1", 1, 1});
    port.set("host_address", "0.0.0.0,x");
    codec::Json ports = codec::Json::array();
    ports.push(port);
    CHECK(broken("ports", ports).starts_with("ports: number 1: host_address"));
    const auto placed = [&](const char* text) {
      return broken("placement", *codec::parse_json(text));
    };
    CHECK(placed(R"({"gpus":["17:00.0"]})").starts_with("placement: gpus: '17:00.0'"));
    CHECK(placed(R"({"networks":[{"mode":"wifi"}]})").starts_with("placement: networks: mode"));
    CHECK(placed(R"({"networks":[{"mode":"bridge"}]})").starts_with("placement: networks: device"));
    CHECK(placed(R"({"networks":[{"mode":"user","device":"x"}]})").find("device") !=
          std::string::npos);
    CHECK(placed(R"({"networks":[{"mode":"tap","device":"t","address":"1.2.3.4"}]})")
              .starts_with("placement: networks: address"));
    CHECK(placed(R"({"networks":[{"mode":"tap","device":"t","dns":"::1"}]})")
              .starts_with("placement: networks: dns"));
    CHECK(placed(R"({"hugepages":1})").find("hugepages") != std::string::npos);
    CHECK(placed("{}") == "accepted");
  }

  TEST_CASE("names become host names")
  {
    for (const char* good : {"a", "hello", "web-1", "0a"})
      CHECK(check_vm_name(good));
    for (const char* bad : {"", "-a", "a-", "A", "a.b", "a b", "\xc3\xa9"})
      CHECK(!check_vm_name(bad));
    CHECK(!check_vm_name(std::string(64, 'a')));
  }
}

TEST_SUITE("store::VmStore")
{
  TEST_CASE("an absent store is empty")
  {
    const sys::TestDirectory temp;
    const VmStore store{temp.path / "vms"};
    CHECK(store.list()->empty());
    CHECK(store.find("x").error().code() == Errc::not_found);
    CHECK(store.sweep());
  }

  TEST_CASE("a VM is found by name, id prefix and app id prefix")
  {
    const sys::TestDirectory temp;
    const VmStore store{temp.path / "vms"};
    REQUIRE(store.create(spec_named("web", 1), nothing));
    REQUIRE(store.create(spec_named("data", 2), nothing));
    CHECK(store.list()->size() == 2);
    CHECK(store.list()->front().spec.name == "web");
    CHECK(store.find("data")->spec.id == "abcd00000002");
    CHECK(store.find("abcd00000002")->spec.name == "data");
    CHECK(store.find("01bb")->spec.name == "web");
    CHECK(store.find("abcd").error().code() == Errc::usage);
    CHECK(store.find("").error().code() == Errc::not_found);
    CHECK(message(store.find("dat")).find("did you mean 'data'") != std::string::npos);
  }

  TEST_CASE("a VM is there completely or not at all")
  {
    const sys::TestDirectory temp;
    const VmStore store{temp.path / "vms"};
    const auto failing = [](const fs::path& directory) -> Status {
      CHECK(fs::exists(directory / "share"));
      return fail(Errc::io, "disk full");
    };
    CHECK(message(store.create(spec_named("web", 1), failing)) == "disk full");
    CHECK(fs::is_empty(store.directory()));
    REQUIRE(store.create(spec_named("web", 1), nothing));
    CHECK(store.create(spec_named("web", 2), nothing).error().code() == Errc::usage);
    CHECK(store.list()->size() == 1);
    CHECK((fs::status(store.list()->front().directory).permissions() & fs::perms::all) ==
          fs::perms::owner_all);
  }

  TEST_CASE("damaged files do not hide a VM, and it can be removed")
  {
    const sys::TestDirectory temp;
    const VmStore store{temp.path / "vms"};
    const auto vm = *store.create(spec_named("web", 1), nothing);
    REQUIRE(sys::write_file_atomic(vm.paths().state(), as_bytes("{\"status\":"),
                                   sys::Privacy::owner_only));
    auto found = store.find("web");
    REQUIRE(found);
    CHECK(found->problem.starts_with("state.json: "));
    REQUIRE(sys::write_file_atomic(vm.paths().spec(), as_bytes("x"), sys::Privacy::owner_only));
    found = store.find("abcd00000001");
    REQUIRE(found);
    CHECK(found->problem.starts_with("vm.json: "));
    CHECK(shown_status(*found) == "damaged");
    CHECK(store.remove(*found));
    CHECK(store.list()->empty());
  }

  TEST_CASE("what is shown depends on who is alive")
  {
    const sys::TestDirectory temp;
    const VmStore store{temp.path / "vms"};
    const auto vm = *store.create(spec_named("web", 1), nothing);
    CHECK(shown_status(vm) == "created");
    VmState state;
    state.status = VmStatus::running;
    REQUIRE(write_state(vm.directory, state));
    CHECK(shown_status(*store.find("web")) == "stopped (supervisor died)");
    {
      const auto lock = sys::FileLock::acquire(vm.paths().supervisor_lock(), "test",
                                               std::chrono::milliseconds{0});
      REQUIRE(lock);
      CHECK(shown_status(*store.find("web")) == "running");
      CHECK(is_alive(*store.find("web")));
      CHECK(store.remove(vm).error().code() == Errc::denied);
      CHECK(store.list()->size() == 1);
    }
    CHECK(store.remove(vm));
  }

  TEST_CASE("the leftovers of a crash are swept, work in progress is not")
  {
    const sys::TestDirectory temp;
    const VmStore store{temp.path / "vms"};
    REQUIRE(sys::make_directories(store.directory() / ".new-abcd00000009" / "share",
                                  sys::Privacy::owner_only));
    REQUIRE(sys::make_directories(store.directory() / ".removed-abcd00000008",
                                  sys::Privacy::owner_only));
    const auto sweeping = [&](const fs::path& directory) -> Status {
      CHECK(store.sweep());
      CHECK(fs::exists(directory / "vm.json"));
      return ok();
    };
    REQUIRE(store.create(spec_named("web", 1), sweeping));
    CHECK(!fs::exists(store.directory() / ".new-abcd00000009"));
    CHECK(!fs::exists(store.directory() / ".removed-abcd00000008"));
    CHECK(!fs::exists(store.find("web")->directory / "creating.lock"));
  }

  TEST_CASE("commands that change a VM wait for each other")
  {
    const sys::TestDirectory temp;
    const VmStore store{temp.path / "vms"};
    const auto vm = *store.create(spec_named("web", 1), nothing);
    const auto first = store.lock(vm, "stop", std::chrono::milliseconds{0});
    REQUIRE(first);
    const auto second = store.lock(vm, "start", std::chrono::milliseconds{30});
    CHECK(second.error().code() == Errc::timeout);
    CHECK(second.error().message().find("stop") != std::string::npos);
  }
}

} // namespace dstack::store
