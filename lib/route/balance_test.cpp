#include "route/balance.hpp"

#include <doctest/doctest.h>
#include <map>

namespace dstack::route {
namespace {

constexpr Time chosen_at{1'000'000};

struct Fleet {
  explicit Fleet(std::size_t count, const PortPolicy& policy = {})
  {
    std::vector<InstanceRecord> records;
    for (std::size_t i = 0; i < count; ++i)
      records.push_back({fmt::format("i{}", i), "a", Address{}, {std::nullopt, policy}});
    table = AppTable{std::move(records)};
    states.resize(count);
    for (InstanceState& state : states)
      state.handshake_age_ms = 1'000;
  }

  std::variant<Candidates, Refusal> ask(std::uint64_t random = 0, std::string_view id = "a") const
  {
    const ToApp route{{std::string{id}, 80, Mode::terminate}, "example.com", table.find(id)};
    return choose(
        table, route, [&](std::uint32_t index) { return states.at(index); }, settings, chosen_at,
        random);
  }
  std::vector<std::uint32_t> order(std::uint64_t random = 0, std::string_view id = "a") const
  {
    return std::get<Candidates>(ask(random, id)).order;
  }
  std::string refusal() const
  {
    const auto got = ask();
    const auto* refused = std::get_if<Refusal>(&got);
    return refused == nullptr ? "" : fmt::format("{}: {}", name_of(refused->why), refused->text);
  }

  AppTable table{};
  std::vector<InstanceState> states{};
  BalanceSettings settings{};
};

using Order = std::vector<std::uint32_t>;

} // namespace

TEST_SUITE("route::balance")
{
  TEST_CASE("the fewest connections first, not the youngest handshake")
  {
    Fleet fleet{4};
    fleet.states[0].connections = 9;
    fleet.states[1].connections = 2;
    fleet.states[2].connections = 1;
    fleet.states[3].connections = 5;
    fleet.states[0].handshake_age_ms = 0;
    CHECK(fleet.order() == Order{2, 1, 3});
  }

  TEST_CASE("equals are chosen by chance, evenly")
  {
    const Fleet fleet{3};
    std::map<std::uint32_t, int> first;
    for (std::uint64_t random = 0; random < 300; ++random)
      ++first[fleet.order(random).front()];
    CHECK(first == std::map<std::uint32_t, int>{{0, 100}, {1, 100}, {2, 100}});
  }

  TEST_CASE("the largest chance has every instance once, as any other")
  {
    const Fleet fleet{3};
    constexpr std::uint64_t most = UINT64_MAX; // a multiple of three
    CHECK(fleet.order(most) == Order{0, 1, 2});
    CHECK(fleet.order(most - 1) == Order{2, 0, 1});
    CHECK(fleet.order(most - 2) == Order{1, 2, 0});
  }

  TEST_CASE("an instance that just failed is tried last, twice as long each time, then again")
  {
    Fleet fleet{2};
    fleet.states[0].failures = 1;
    fleet.states[0].last_failure = Time{chosen_at.ms - 999};
    CHECK(fleet.order() == Order{1, 0});
    fleet.states[0].last_failure = Time{chosen_at.ms - 1000};
    CHECK(fleet.order() == Order{0, 1});
    fleet.states[0].failures = 3;
    fleet.states[0].last_failure = Time{chosen_at.ms - 3999};
    CHECK(fleet.order() == Order{1, 0});
    fleet.states[0].failures = 4'000'000'000;
    fleet.states[0].last_failure = Time{chosen_at.ms - 29'999};
    CHECK(fleet.order() == Order{1, 0});
    fleet.states[0].last_failure = Time{chosen_at.ms - 30'000};
    CHECK(fleet.order() == Order{0, 1});
  }

  TEST_CASE("a clock that jumps back frees the failed; one that jumps ahead leaves all reachable")
  {
    Fleet fleet{2};
    fleet.states[0].failures = 1;
    fleet.states[0].last_failure = Time{chosen_at.ms + 3'600'000};
    CHECK(fleet.order() == Order{0, 1});
    for (InstanceState& state : fleet.states)
      state.handshake_age_ms = 1'000'000'000;
    CHECK(fleet.order().size() == 2);
  }

  TEST_CASE("stale, unknown and failing ones go behind, and are tried when nothing else is there")
  {
    Fleet fleet{5};
    fleet.settings.candidates = 5;
    fleet.states[0].drained = true;
    fleet.states[1].probe = InstanceState::Probe::failing;
    fleet.states[2].handshake_age_ms = 30 * 60'000;
    fleet.states[3].handshake_age_ms.reset();
    fleet.states[4].connections = 1000;
    CHECK(fleet.order() == Order{4, 3, 2, 1, 0});
  }

  TEST_CASE("named by its own id, an instance is tried whatever is known of it")
  {
    Fleet fleet{3};
    fleet.states[1].drained = true;
    fleet.states[1].failures = 9;
    fleet.states[1].last_failure = chosen_at;
    CHECK(fleet.order(0, "i1") == Order{1});
  }

  TEST_CASE("of thousands of instances a good one is found")
  {
    Fleet fleet{5000};
    for (InstanceState& state : fleet.states)
      state.drained = true;
    fleet.states[4321].drained = false;
    CHECK(fleet.order(17).front() == 4321);
  }

  TEST_CASE("closed ports are left out before the best are chosen")
  {
    Fleet fleet{5, *parse_port_policy(*codec::parse_json(R"({"restrict_mode":true})"))};
    CHECK(fleet.refusal() == "port_closed: port 80 of a: closed by the app's port policy");
    std::vector<InstanceRecord> records;
    for (int i = 0; i < 5; ++i)
      records.push_back({fmt::format("i{}", i), "a", Address{}, {}});
    records[4].policies.reported = PortPolicy{};
    fleet.table = AppTable{std::move(records)};
    fleet.states[4].connections = 1000;
    CHECK(fleet.order() == Order{4});
  }

  TEST_CASE("an unknown policy is closed")
  {
    Fleet fleet{1};
    fleet.table = AppTable{{{"i0", "a", Address{}, {}}}};
    CHECK(fleet.refusal() ==
          "policy_unknown: port 80 of a: the app's port policy is not known yet");
  }

  TEST_CASE("candidates that want a PROXY header and those that do not never race")
  {
    Fleet fleet{3};
    PortPolicy with;
    with.rules = {{80, true}};
    fleet.table = AppTable{{{"i0", "a", Address{}, {std::nullopt, with}},
                            {"i1", "a", Address{}, {std::nullopt, PortPolicy{}}},
                            {"i2", "a", Address{}, {std::nullopt, with}}}};
    const auto got = std::get<Candidates>(fleet.ask());
    CHECK(got.order == Order{0, 2});
    CHECK(got.proxy_protocol);
    CHECK(fleet.order(1) == Order{1});
  }

  TEST_CASE("the limit of an app counts all its instances, before anything is chosen")
  {
    Fleet fleet{4};
    fleet.settings.max_connections_per_app = 10;
    fleet.settings.candidates = 1;
    for (InstanceState& state : fleet.states)
      state.connections = 2;
    CHECK(fleet.refusal().empty());
    fleet.states[3].connections = 4;
    CHECK(fleet.refusal() == "over_limit: a has 10 connections (at most 10)");
    fleet.settings.max_connections_per_app = 0;
    CHECK(fleet.refusal().empty());
  }

  TEST_CASE("a race begins with the first and lets the others follow one by one")
  {
    Race race{{7, 8, 9}, {75, 5'000}, chosen_at};
    CHECK(race.start(chosen_at) == 7);
    CHECK(!race.start(chosen_at));
    CHECK(race.wake() == Time{chosen_at.ms + 75});
    CHECK(race.start(Time{chosen_at.ms + 75}) == 8);
    CHECK(!race.start(Time{chosen_at.ms + 149}));
    race.failed();
    CHECK(race.start(Time{chosen_at.ms + 149}) == 9);
    CHECK(race.wake() == Time{chosen_at.ms + 5'000});
    CHECK(!race.lost(Time{chosen_at.ms + 4'999}));
    CHECK(race.lost(Time{chosen_at.ms + 5'000}));
  }

  TEST_CASE("a race is lost when all attempts came to nothing, or its time is over")
  {
    Race race{{7, 8}, {75, 5'000}, chosen_at};
    CHECK(race.start(chosen_at) == 7);
    race.failed();
    CHECK(!race.lost(chosen_at));
    CHECK(race.start(chosen_at) == 8);
    race.failed();
    CHECK(race.lost(chosen_at));
    Race late{{7}, {75, 5'000}, chosen_at};
    CHECK(!late.start(Time{chosen_at.ms + 5'000}));
    CHECK(Race{{}, {}, chosen_at}.lost(chosen_at));
  }
}

} // namespace dstack::route
