#include "route/registry.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

constexpr Time now{1'800'000'000'000};
constexpr std::int64_t hour = 3'600'000;

WgKey key(std::uint8_t value)
{
  WgKey out{};
  out.fill(value);
  return out;
}

Registry registry(std::string_view clients = "10.8.0.0/29", std::size_t per_app = 0)
{
  RegistrySettings settings;
  settings.pool.gateway = *parse_address_in_network("10.8.0.1/16");
  settings.pool.clients = *parse_network(clients);
  settings.pool.reserved = {*parse_network("10.8.0.1")};
  settings.own_key = key(255);
  settings.max_instances_per_app = per_app;
  return *Registry::create(settings);
}

Enrolment who(std::uint8_t instance, std::uint8_t app, std::uint8_t wg_key)
{
  return {{app}, {instance}, {1}, key(wg_key), std::nullopt};
}

std::string outcome_line(const Result<Registry::Outcome>& got)
{
  if (!got) return fmt::format("{}: {}", name_of(got.error().code()), got.error().message());
  return fmt::format("{} {} {}{}{}", got->entry.instance_id, got->entry.app_id,
                     got->entry.address.text(), got->peers_changed ? " peers" : "",
                     got->policy_unknown ? " unknown" : "");
}

const PortPolicy open{};
const PortPolicy closed{PortPolicy::Access::listed, {}};

} // namespace

TEST_SUITE("route::registry")
{
  TEST_CASE("a new instance gets an address; registering again changes nothing")
  {
    auto all = registry();
    CHECK(outcome_line(all.enrol(who(1, 0xa, 1), now)) == "01 0a 10.8.0.2 peers unknown");
    CHECK(outcome_line(all.enrol(who(2, 0xa, 2), now)) == "02 0a 10.8.0.3 peers unknown");
    const auto again = all.enrol(who(1, 0xa, 1), Time{now.ms + 1});
    CHECK(outcome_line(again) == "01 0a 10.8.0.2 unknown");
    CHECK(!again->table_changed);
    CHECK(again->entry.registered == now);
    CHECK(all.peers().size() == 2);
    CHECK(all.peers()[0].allowed[0].text() == "10.8.0.2/32");
    CHECK(all.records()[1].app_id == "0a");
  }

  TEST_CASE("nobody takes another's key, the gateway's, or none")
  {
    auto all = registry();
    REQUIRE(all.enrol(who(1, 0xa, 1), now));
    CHECK(outcome_line(all.enrol(who(2, 0xa, 1), now)) ==
          "denied: the WireGuard key is another instance's");
    CHECK(outcome_line(all.enrol(who(2, 0xa, 255), now)) ==
          "denied: the WireGuard key is the gateway's own");
    CHECK(outcome_line(all.enrol(who(2, 0xa, 0), now)) == "malformed: a WireGuard key of zeros");
    CHECK(all.size() == 1);
    REQUIRE(all.enrol(who(1, 0xa, 3), now));
    CHECK(outcome_line(all.enrol(who(2, 0xa, 1), now)) == "02 0a 10.8.0.3 peers unknown");
    CHECK(outcome_line(all.enrol(who(1, 0xa, 1), now)) ==
          "denied: the WireGuard key is another instance's");
  }

  TEST_CASE("an instance stays with its app, and no id stands before another app's")
  {
    auto all = registry();
    REQUIRE(all.enrol(who(1, 0xa, 1), now));
    CHECK(outcome_line(all.enrol(who(1, 0xb, 1), now)) ==
          "denied: instance 01 belongs to app 0a, not to 0b");
    CHECK(outcome_line(all.enrol(who(0xa, 0xb, 2), now)) ==
          "denied: instance 0a has the id of an app");
    CHECK(outcome_line(all.enrol(who(2, 1, 2), now)) == "denied: app 01 has the id of an instance");
    CHECK(outcome_line(all.enrol(who(7, 7, 2), now)) ==
          "denied: instance 07 has the id of its app");
    Enrolment none = who(2, 0xa, 2);
    none.instance_id.clear();
    CHECK(outcome_line(all.enrol(none, now)) ==
          "denied: the instance id is empty: such apps cannot be reached by name");
    none = who(2, 0xa, 2);
    none.app_id = Bytes(65);
    CHECK(outcome_line(all.enrol(none, now)) == "malformed: app id of 65 bytes (at most 64)");
  }

  TEST_CASE("a new key keeps the address and counts as a registration")
  {
    auto all = registry();
    REQUIRE(all.enrol(who(1, 0xa, 1), now));
    const auto changed = all.enrol(who(1, 0xa, 9), Time{now.ms + 5});
    CHECK(outcome_line(changed) == "01 0a 10.8.0.2 peers unknown");
    CHECK(changed->entry.registered == Time{now.ms + 5});
  }

  TEST_CASE("what an operator set outlives new compose files; what was reported does not")
  {
    auto all = registry();
    Enrolment one = who(1, 0xa, 1);
    one.reported = open;
    CHECK(outcome_line(all.enrol(one, now)) == "01 0a 10.8.0.2 peers");
    one.reported.reset();
    CHECK(!all.enrol(one, now)->policy_unknown);
    one.compose_hash = {2};
    CHECK(all.enrol(one, now)->policy_unknown);
    CHECK(all.set_admin_policy("01", closed));
    one.compose_hash = {3};
    CHECK(!all.enrol(one, now)->policy_unknown);
    CHECK(judge_port(all.records()[0].policies, 80).answer == PortVerdict::Answer::closed);
    CHECK(all.set_admin_policy("01", std::nullopt));
    CHECK(judge_port(all.records()[0].policies, 80).answer == PortVerdict::Answer::unknown);
    CHECK(!all.set_admin_policy("99", closed));
  }

  TEST_CASE("a policy that was fetched for an older compose file is ignored")
  {
    auto all = registry();
    Enrolment one = who(1, 0xa, 1);
    REQUIRE(all.enrol(one, now));
    one.compose_hash = {2};
    REQUIRE(all.enrol(one, now));
    CHECK(!all.set_fetched_policy("01", "01", open));
    CHECK(!all.set_fetched_policy("02", "02", open));
    CHECK(all.set_fetched_policy("01", "02", open));
    CHECK(judge_port(all.records()[0].policies, 80).answer == PortVerdict::Answer::open);
  }

  TEST_CASE("without addresses left nobody new comes in; a removed one makes room")
  {
    auto all = registry("10.8.0.0/30");
    CHECK(outcome_line(all.enrol(who(1, 0xa, 1), now)) == "01 0a 10.8.0.2 peers unknown");
    CHECK(outcome_line(all.enrol(who(2, 0xa, 2), now)) ==
          "denied: no address is left in 10.8.0.0/30 (1 in use)");
    CHECK(all.remove("01"));
    CHECK(!all.remove("01"));
    CHECK(outcome_line(all.enrol(who(2, 1, 1), now)) == "02 01 10.8.0.2 peers unknown");
  }

  TEST_CASE("one app cannot use up the addresses")
  {
    auto all = registry("10.8.0.0/29", 2);
    REQUIRE(all.enrol(who(1, 0xa, 1), now));
    REQUIRE(all.enrol(who(2, 0xa, 2), now));
    CHECK(outcome_line(all.enrol(who(3, 0xa, 3), now)) ==
          "denied: app 0a has 2 instances (at most 2)");
    CHECK(all.enrol(who(2, 0xa, 4), now));
    CHECK(all.enrol(who(3, 0xb, 3), now));
  }

  TEST_CASE("who is neither heard of nor registered for ten hours is forgotten")
  {
    auto all = registry();
    REQUIRE(all.enrol(who(1, 0xa, 1), now));
    REQUIRE(all.enrol(who(2, 0xa, 2), now));
    REQUIRE(all.enrol(who(3, 0xa, 3), Time{now.ms + 9 * hour}));
    const Registry::Handshakes heard = {{key(1), Time{0}}, {key(2), Time{now.ms + 5 * hour}}};
    CHECK(all.remove_dead(heard, Time{now.ms + 10 * hour}).empty());
    CHECK(all.remove_dead(heard, Time{now.ms + 10 * hour + 1}) == std::vector<std::string>{"01"});
    CHECK(all.remove_dead(heard, Time{now.ms + 16 * hour}) == std::vector<std::string>{"02"});
    CHECK(all.size() == 1);
  }

  TEST_CASE("a handshake from the future keeps nobody for ever")
  {
    auto all = registry();
    REQUIRE(all.enrol(who(1, 0xa, 1), now));
    const Registry::Handshakes heard = {{key(1), Time{now.ms + 1000 * hour}}};
    CHECK(all.remove_dead(heard, Time{now.ms + hour}).empty());
    CHECK(all.remove_dead({}, Time{now.ms + 11 * hour}).size() == 1);
  }

  TEST_CASE("entries of before come back as they were; those that contradict are refused")
  {
    auto before = registry();
    Enrolment one = who(1, 0xa, 1);
    one.reported = open;
    REQUIRE(before.enrol(one, now));
    REQUIRE(before.enrol(who(2, 0xa, 2), now));
    auto after = registry();
    for (const RegistryEntry& entry : before.entries())
      CHECK(after.restore(entry));
    CHECK(outcome_line(after.enrol(one, now)) == "01 0a 10.8.0.2");
    RegistryEntry odd = before.entries()[0];
    CHECK(!after.restore(odd));
    odd.instance_id = "03";
    CHECK(after.restore(odd).error().message() == "the WireGuard key is another instance's");
    odd.public_key = key(3);
    CHECK(after.restore(odd).error().message() == "instance 03: address 10.8.0.2 is another's");
    odd.address = *parse_address("10.8.64.2");
    CHECK(after.restore(odd));
    CHECK(after.find("03")->address.text() == "10.8.0.4");
    odd.instance_id = "x";
    CHECK(!after.restore(odd));
  }

  TEST_CASE("what another node handed out stays, unless it is somebody's or none of the network")
  {
    RegistrySettings settings;
    settings.pool.gateway = *parse_address_in_network("10.8.0.1/16");
    settings.pool.clients = *parse_network("10.8.0.0/29");
    settings.pool.reserved = {*parse_network("10.8.0.1")};
    settings.shared = true;
    auto all = *Registry::create(settings);
    RegistryEntry theirs;
    theirs.instance_id = "05";
    theirs.app_id = "0a";
    theirs.public_key = key(5);
    theirs.address = *parse_address("10.8.64.2");
    REQUIRE(all.restore(theirs));
    CHECK(all.find("05")->address.text() == "10.8.64.2");
    CHECK(outcome_line(all.enrol(who(5, 0xa, 6), now)) == "05 0a 10.8.64.2 peers unknown");
    RegistryEntry odd = theirs;
    odd.instance_id = "06";
    odd.public_key = key(7);
    CHECK(all.restore(odd).error().message() == "instance 06: address 10.8.64.2 is another's");
    odd.address = *parse_address("10.9.0.2");
    CHECK(all.restore(odd).error().message().find("none of VMs") != std::string::npos);
    odd.address = *parse_address("10.8.0.1");
    CHECK(!all.restore(odd));
    CHECK(all.dead({}, Time{now.ms + 11 * hour}) == std::vector<std::string>{"05"});
    CHECK(all.size() == 1);
    REQUIRE(all.remove("05"));
    odd.address = *parse_address("10.8.64.2");
    CHECK(all.restore(odd));
  }
}

} // namespace dstack::route
