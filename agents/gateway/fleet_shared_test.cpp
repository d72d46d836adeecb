#include "agents/gateway/fleet.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewaynode {

namespace {

using Answer = Result<route::RegistryEntry>;

/// What nodes share, as far as a fleet sees it: one record an instance, one instance a key.
struct Store {
  std::map<std::string, std::pair<route::RegistryEntry, std::int64_t>> records{};
  std::int64_t revision = 10;
  bool away = false;
  std::size_t asked = 0;

  Result<std::int64_t> share(const Sharing& what)
  {
    ++asked;
    if (away) return fail(Errc::io, "no majority");
    const auto there = records.find(what.entry.instance_id);
    const std::int64_t known = there == records.end() ? 0 : there->second.second;
    if (known != (what.before ? what.revision : 0)) return fail(Errc::denied, "changed elsewhere");
    for (const auto& [id, one] : records)
      if (id != what.entry.instance_id && one.first.public_key == what.entry.public_key)
        return fail(Errc::denied, "the key is another instance's");
    records[what.entry.instance_id] = {what.entry, ++revision};
    return revision;
  }
};

struct SharedWorld {
  SharedWorld()
  {
    state = *State::open(directory / "gateway.db");
    workers = *sys::WorkerPool::create(*loop, {1, 16});
    open();
  }
  SharedWorld(const SharedWorld&) = delete;
  SharedWorld& operator=(const SharedWorld&) = delete;
  ~SharedWorld()
  {
    workers.reset();
    fleet.reset();
    state.reset();
    static_cast<void>(sys::remove_tree(directory));
  }
  void open()
  {
    route::RegistrySettings settings;
    settings.pool.gateway = *route::parse_address_in_network("10.8.0.1/16");
    settings.pool.clients = *route::parse_network("10.8.0.0/29");
    settings.pool.reserved = {*route::parse_network("10.8.0.1/32")};
    settings.shared = true;
    Fleet::Hooks hooks;
    hooks.apply_peers = [this](const std::vector<route::WgPeer>& all) -> Status {
      peers = all;
      return ok();
    };
    hooks.changed = [] {};
    hooks.share = [this](const Sharing& what) { return store.share(what); };
    hooks.forget = [this](std::vector<Sharing> gone) { forgotten = std::move(gone); };
    fleet = *Fleet::create(settings, *state, *workers, log, hooks);
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
  static route::RegistryEntry entry(std::uint8_t number, std::string_view address)
  {
    route::RegistryEntry out;
    out.instance_id = hex(Bytes(20, number));
    out.app_id = hex(Bytes(20, 0xa1));
    out.public_key.fill(number);
    out.address = *route::parse_address(address);
    out.registered = sys::now();
    return out;
  }
  static std::string id(std::uint8_t number) { return hex(Bytes(20, number)); }
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
    while (open != 0)
      run();
    std::vector<Answer> out;
    for (auto& one : answers)
      out.push_back(*std::move(one));
    return out;
  }
  void run()
  {
    loop->after(std::chrono::seconds{20}, [] { bug("nobody was answered"); });
    REQUIRE(loop->run());
  }
  /// Until what is followed is on the disk as well, and the fleet has heard so: the one worker does
  /// one thing after the other.
  void write()
  {
    do {
      REQUIRE(workers->run([] {}, [this] { loop->stop(); }));
      run();
    } while (state->fleet()->entries.size() != fleet->registry().size());
  }

  sys::fs::path directory =
      *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-fleet-test");
  std::unique_ptr<sys::Loop> loop = *sys::Loop::create();
  launch::Log log{};
  Store store{};
  std::unique_ptr<State> state{};
  std::unique_ptr<Fleet> fleet{};
  std::vector<route::WgPeer> peers{};
  std::vector<Sharing> forgotten{};
  std::unique_ptr<sys::WorkerPool> workers{};
};

} // namespace

TEST_SUITE("gatewaynode::Fleet of several nodes")
{
  TEST_CASE("who is answered is shared; who only comes back costs nothing")
  {
    SharedWorld world;
    REQUIRE(world.enrol({SharedWorld::vm(1)})[0]);
    CHECK(world.store.records.at(SharedWorld::id(1)).first.address.text() == "10.8.0.2");
    CHECK(world.store.asked == 1);
    world.store.away = true;
    REQUIRE(world.enrol({SharedWorld::vm(1)})[0]);
    CHECK(world.store.asked == 1);
    CHECK(world.fleet->all_shared());
  }

  TEST_CASE("without the store nobody new is taken, and no key is changed")
  {
    SharedWorld world;
    REQUIRE(world.enrol({SharedWorld::vm(1)})[0]);
    world.store.away = true;
    const auto refused =
        world.enrol({SharedWorld::vm(2), SharedWorld::vm(1, 9), SharedWorld::vm(1)});
    CHECK(refused[0].error().message() == "no majority");
    CHECK_FALSE(refused[1]);
    CHECK(refused[2]); // what it had holds, and is answered once the other is undone
    CHECK(world.fleet->registry().size() == 1);
    CHECK(world.fleet->registry().find(SharedWorld::id(1))->public_key ==
          SharedWorld::vm(1).public_key);
    world.store.away = false;
    REQUIRE(world.enrol({SharedWorld::vm(2)})[0]);
    REQUIRE(world.peers.size() == 2);
    CHECK(world.peers[0].public_key == SharedWorld::vm(1).public_key);
  }

  TEST_CASE("one that the store refuses does not take the others down")
  {
    SharedWorld world;
    world.store.records[SharedWorld::id(7)] = {SharedWorld::entry(7, "10.8.64.2"), 5};
    const auto some = world.enrol({SharedWorld::vm(1), SharedWorld::vm(2, 7), SharedWorld::vm(3)});
    CHECK(some[0]);
    CHECK(some[1].error().message() == "the key is another instance's");
    CHECK(some[2]);
    CHECK(world.fleet->registry().size() == 2);
    for (const route::WgPeer& one : world.peers)
      CHECK(one.public_key != SharedWorld::vm(7).public_key);
    CHECK(world.state->fleet()->entries.size() == 2);
  }

  TEST_CASE("what another node wrote is known here, with its address, and is on the disk")
  {
    SharedWorld world;
    world.fleet->follow(SharedWorld::id(7), SharedWorld::entry(7, "10.8.64.2"), 20);
    world.write();
    CHECK(world.peers.size() == 1);
    world.store.records[SharedWorld::id(7)] = {SharedWorld::entry(7, "10.8.64.2"), 20};
    world.store.revision = 20;
    CHECK(world.enrol({SharedWorld::vm(7)})[0]->address.text() == "10.8.64.2");
    const auto changed = world.enrol({SharedWorld::vm(7, 8)});
    REQUIRE_MESSAGE(changed[0], changed[0].error().message());
    CHECK(world.store.records.at(SharedWorld::id(7)).first.public_key ==
          SharedWorld::vm(8).public_key);
    world.fleet->follow(SharedWorld::id(7), SharedWorld::entry(7, "10.8.64.2"), 20); // an old word
    CHECK(world.fleet->registry().find(SharedWorld::id(7))->public_key ==
          SharedWorld::vm(8).public_key);
    world.open();
    CHECK(world.fleet->registry().find(SharedWorld::id(7))->address.text() == "10.8.64.2");
  }

  TEST_CASE("a key that one gave up is another's, in whatever order that is heard")
  {
    SharedWorld world;
    world.fleet->follow(SharedWorld::id(1), SharedWorld::entry(1, "10.8.64.2"), 20);
    world.write();
    route::RegistryEntry second = SharedWorld::entry(2, "10.8.64.3");
    second.public_key = SharedWorld::vm(1).public_key;
    world.fleet->follow(SharedWorld::id(2), second,
                        22); // the first still has it, as far as is known
    CHECK(world.fleet->registry().size() == 1);
    route::RegistryEntry first = SharedWorld::entry(1, "10.8.64.2");
    first.public_key = SharedWorld::vm(9).public_key;
    world.fleet->follow(SharedWorld::id(1), first, 21);
    CHECK(world.fleet->registry().size() == 2);
    world.write();
  }

  TEST_CASE("what contradicts is passed over, and the rest counts")
  {
    SharedWorld world;
    world.fleet->follow(SharedWorld::id(1), SharedWorld::entry(1, "10.8.64.2"), 20);
    world.write();
    world.fleet->follow(SharedWorld::id(2), SharedWorld::entry(2, "10.8.64.2"), 21);
    world.fleet->follow(SharedWorld::id(3), SharedWorld::entry(3, "10.8.64.3"), 22);
    world.write();
    CHECK(world.fleet->registry().find(SharedWorld::id(2)) == nullptr);
    CHECK(world.fleet->registry().find(SharedWorld::id(3)) != nullptr);
    CHECK(world.fleet->registry().size() == 2);
  }

  TEST_CASE("what is gone in the store is gone here, and may come again")
  {
    SharedWorld world;
    REQUIRE(world.enrol({SharedWorld::vm(1)})[0]);
    const std::int64_t written = world.store.revision;
    world.store.records.clear();
    world.fleet->follow(SharedWorld::id(1), std::nullopt, written + 5);
    world.write();
    CHECK(world.fleet->registry().size() == 0);
    CHECK(world.fleet->forgotten() == 1);
    world.store.revision = written + 10;
    CHECK(world.enrol({SharedWorld::vm(1)})[0]);
  }

  TEST_CASE("what was here before there were others is shared, unless the store had it once")
  {
    SharedWorld world;
    REQUIRE(world.enrol({SharedWorld::vm(1), SharedWorld::vm(2)})[0]);
    world.write();
    world.open();
    world.store.records.clear();
    CHECK_FALSE(world.fleet->all_shared());
    world.store.away = true;
    world.fleet->followed_all({}, 5, Fleet::Unknown::publish);
    while (world.store.asked < 4) {
      world.loop->after(std::chrono::milliseconds{1}, [&] { world.loop->stop(); });
      world.run();
    }
    CHECK(world.fleet->registry().size() == 2); // not shared yet, and not given up
    world.store.away = false;
    world.fleet->followed_all({}, 0, Fleet::Unknown::publish);
    while (!world.fleet->all_shared()) {
      world.loop->after(std::chrono::milliseconds{1}, [&] { world.loop->stop(); });
      world.run();
    }
    CHECK(world.store.records.size() == 2);
    world.open();
    world.fleet->followed_all({SharedWorld::id(2)}, 100, Fleet::Unknown::drop);
    world.write();
    CHECK(world.fleet->registry().size() == 1);
    CHECK(world.fleet->registry().find(SharedWorld::id(2)) != nullptr);
  }

  TEST_CASE("what operators set anywhere counts, also before the instance is known")
  {
    SharedWorld world;
    const std::string id = SharedWorld::id(7);
    REQUIRE(world.fleet->follow(cluster::Operated{id, route::PortPolicy{}, true}));
    world.fleet->follow(id, SharedWorld::entry(7, "10.8.64.2"), 20);
    world.write();
    CHECK(world.fleet->is_drained(id));
    CHECK(world.fleet->registry().find(id)->policies.set_by_admin == route::PortPolicy{});
    CHECK(world.fleet->operated(id).drained);
    REQUIRE(world.fleet->follow(cluster::Operated{id, {}, false}));
    CHECK_FALSE(world.fleet->is_drained(id));
    CHECK(world.fleet->registry().find(id)->policies.effective() == nullptr);
  }

  TEST_CASE("whom nobody heard of is named, and stays until the store says that it is gone")
  {
    SharedWorld world;
    REQUIRE(world.enrol({SharedWorld::vm(1)})[0]);
    const Time later{sys::now().ms + 36'060'000};
    world.fleet->heard({}, later);
    REQUIRE(world.forgotten.size() == 1);
    CHECK(world.forgotten[0].entry.instance_id == SharedWorld::id(1));
    CHECK(world.forgotten[0].revision == world.store.revision);
    CHECK(world.fleet->registry().size() == 1);
  }
}

} // namespace dstack::gatewaynode
