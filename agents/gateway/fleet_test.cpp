#include "agents/gateway/fleet.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewaynode {

namespace {

using Answer = Result<route::RegistryEntry>;

/// A fleet over a real database, on a loop that runs until everybody is answered.
struct FleetWorld {
  FleetWorld() { open(); }
  FleetWorld(const FleetWorld&) = delete;
  FleetWorld& operator=(const FleetWorld&) = delete;
  ~FleetWorld()
  {
    close();
    static_cast<void>(sys::remove_tree(directory));
  }
  void open()
  {
    state = *State::open(directory / "gateway.db");
    workers = *sys::WorkerPool::create(*loop, {2, queue});
    Fleet::Hooks hooks;
    hooks.apply_peers = [this](const std::vector<route::WgPeer>& all) -> Status {
      if (wireguard_fails) return fail(Errc::io, "no such device");
      told.push_back(all.size());
      return ok();
    };
    hooks.changed = [this] { ++changes; };
    fleet = *Fleet::create(settings(), *state, *workers, log, hooks);
  }
  void close()
  {
    workers.reset();
    fleet.reset();
    state.reset();
  }
  static route::RegistrySettings settings()
  {
    route::RegistrySettings out;
    out.pool.gateway = *route::parse_address_in_network("10.8.0.1/16");
    out.pool.clients = *route::parse_network("10.8.0.0/29"); // five VMs
    out.pool.reserved = {*route::parse_network("10.8.0.1/32")};
    return out;
  }
  static route::Enrolment vm(std::uint8_t number, std::uint8_t key = 0)
  {
    route::Enrolment out;
    out.app_id = Bytes(20, 0xa1);
    out.instance_id = Bytes(20, number);
    out.compose_hash = Bytes(32, 0xc1);
    out.public_key.fill(key == 0 ? number : key);
    return out;
  }
  std::vector<Answer> enrol(const std::vector<route::Enrolment>& all)
  {
    std::vector<std::optional<Answer>> answers(all.size());
    std::size_t open = all.size();
    for (std::size_t i = 0; i < all.size(); ++i)
      fleet->enrol(all[i], [&, i](Answer answer) {
        answers[i] = std::move(answer);
        --open;
        loop->stop();
      });
    while (open != 0) {
      loop->after(std::chrono::seconds{20}, [] { bug("nobody was answered"); });
      run();
    }
    std::vector<Answer> out;
    for (auto& one : answers)
      out.push_back(*std::move(one));
    return out;
  }
  void run() { REQUIRE(loop->run()); }

  sys::fs::path directory =
      *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-fleet-test");
  std::unique_ptr<sys::Loop> loop = *sys::Loop::create();
  launch::Log log{};
  std::unique_ptr<State> state{};
  std::unique_ptr<Fleet> fleet{};
  std::unique_ptr<sys::WorkerPool> workers{};
  std::size_t queue = 16;
  bool wireguard_fails = false;
  std::vector<std::size_t> told{};
  int changes = 0;
};

} // namespace

TEST_SUITE("gatewaynode::Fleet")
{
  TEST_CASE("who is answered is on the disk and known to WireGuard, and has the address for ever")
  {
    FleetWorld world;
    const auto first = world.enrol({FleetWorld::vm(1)});
    REQUIRE(first[0]);
    CHECK(first[0]->address.text() == "10.8.0.2");
    CHECK(world.state->fleet()->entries.size() == 1);
    CHECK(world.told == std::vector<std::size_t>{1});
    CHECK(world.changes == 1);
    world.close();
    world.open();
    const auto again = world.enrol({FleetWorld::vm(1), FleetWorld::vm(2)});
    CHECK(again[0]->address == first[0]->address);
    CHECK(again[1]->address.text() == "10.8.0.3");
  }

  TEST_CASE("many at once are few writes")
  {
    FleetWorld world;
    const auto all =
        world.enrol({FleetWorld::vm(1), FleetWorld::vm(2), FleetWorld::vm(3), FleetWorld::vm(4)});
    for (const auto& one : all)
      CHECK(one);
    CHECK(world.fleet->writes() == 2); // the first, and those that came meanwhile
    CHECK(world.told.back() == 4);
  }

  TEST_CASE("nothing changes for WireGuard when a VM only comes back")
  {
    FleetWorld world;
    REQUIRE(world.enrol({FleetWorld::vm(1)})[0]);
    REQUIRE(world.enrol({FleetWorld::vm(1)})[0]);
    CHECK(world.told.size() == 1);
    REQUIRE(world.enrol({FleetWorld::vm(1, 9)})[0]); // another key
    CHECK(world.told.size() == 2);
  }

  TEST_CASE("a refusal is told at once, and changes nothing")
  {
    FleetWorld world;
    REQUIRE(world.enrol({FleetWorld::vm(1)})[0]);
    const auto theft = world.enrol({FleetWorld::vm(2, 1)});
    REQUIRE_FALSE(theft[0]);
    CHECK(theft[0].error().message().find("another instance's") != std::string::npos);
    for (std::uint8_t i = 2; i <= 5; ++i)
      REQUIRE(world.enrol({FleetWorld::vm(i)})[0]);
    CHECK(world.enrol({FleetWorld::vm(6)})[0].error().code() == Errc::denied);
    CHECK(world.state->fleet()->entries.size() == 5);
  }

  TEST_CASE("what could not be written is as if it had never been asked")
  {
    FleetWorld world;
    const auto before = *world.enrol({FleetWorld::vm(1)})[0];
    const auto raw = *database::Database::open(world.directory / "gateway.db",
                                               {0x64734757, {std::string{"SELECT 1"}}});
    REQUIRE(raw->run("CREATE TRIGGER full BEFORE INSERT ON instance BEGIN "
                     "SELECT RAISE(ABORT, 'no room'); END"));
    const auto refused =
        world.enrol({FleetWorld::vm(1, 9), FleetWorld::vm(2, 1), FleetWorld::vm(3)});
    for (const auto& one : refused) {
      REQUIRE_FALSE(one);
      CHECK(one.error().message().find("no room") != std::string::npos);
    }
    CHECK(world.fleet->registry().size() == 1);
    CHECK(world.fleet->registry().find(before.instance_id)->public_key == before.public_key);
    REQUIRE(raw->run("DROP TRIGGER full"));
    const auto good = world.enrol({FleetWorld::vm(3), FleetWorld::vm(1)});
    CHECK(good[0]->address.text() != before.address.text());
    CHECK(good[1]->address == before.address);
  }

  TEST_CASE("who WireGuard does not know is not answered with success, until it does")
  {
    FleetWorld world;
    world.wireguard_fails = true;
    const auto refused = world.enrol({FleetWorld::vm(1)});
    REQUIRE_FALSE(refused[0]);
    CHECK(refused[0].error().message() == "WireGuard: no such device");
    CHECK_FALSE(world.enrol({FleetWorld::vm(1)})[0]);
    world.wireguard_fails = false;
    CHECK(world.enrol({FleetWorld::vm(1)})[0]); // the peer is told now, although nothing is new
    CHECK(world.told == std::vector<std::size_t>{1});
  }

  TEST_CASE("operators' policies and drains count at once and stay")
  {
    FleetWorld world;
    const std::string id = hex(Bytes(20, 1));
    CHECK(world.fleet->set_drained(id, true).error().code() == Errc::not_found);
    CHECK(world.fleet->set_admin_policy(id, std::nullopt).error().code() == Errc::not_found);
    REQUIRE(world.enrol({FleetWorld::vm(1)})[0]);
    CHECK(world.fleet->without_policy() == std::vector<std::string>{id});
    REQUIRE(world.fleet->set_drained(id, true));
    REQUIRE(world.fleet->set_admin_policy(id, route::PortPolicy{}));
    CHECK(world.changes == 3);
    world.close();
    world.open();
    CHECK(world.fleet->is_drained(id));
    CHECK(world.fleet->without_policy().empty());
    REQUIRE(world.enrol({FleetWorld::vm(1)})[0]);
    CHECK(world.fleet->registry().find(id)->policies.set_by_admin == route::PortPolicy{});
  }

  TEST_CASE("instances that are gone are forgotten, and their addresses are free")
  {
    FleetWorld world;
    REQUIRE(world.enrol({FleetWorld::vm(1), FleetWorld::vm(2)})[0]);
    const Time later{sys::now().ms + FleetWorld::settings().forget_after_ms + 60'000};
    route::Registry::Handshakes heard;
    heard[FleetWorld::vm(2).public_key] = later;
    world.fleet->heard(heard, later);
    CHECK(world.fleet->registry().size() == 1);
    REQUIRE(world.enrol({FleetWorld::vm(3)})[0]); // written behind it
    CHECK(world.state->fleet()->entries.size() == 2);
    CHECK(world.fleet->forgotten() == 1);
  }
}

} // namespace dstack::gatewaynode
