#include "agents/gateway/state.hpp"

#include "sys/test_directory.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewaynode {

namespace {

struct StateScratch : sys::TestDirectory {
  std::unique_ptr<State> open() const
  {
    auto state = State::open(path / "gateway.db");
    REQUIRE_MESSAGE(state, state.error().message());
    return *std::move(state);
  }
};

route::RegistryEntry entry(std::uint8_t number)
{
  route::RegistryEntry out;
  out.instance_id = hex(Bytes(20, number));
  out.app_id = "a1";
  out.compose_hash = "c1";
  out.public_key.fill(number);
  out.address = *route::parse_address(fmt::format("10.8.0.{}", number));
  out.registered = Time{1'000 - number};
  return out;
}

} // namespace

TEST_SUITE("gatewaynode::State")
{
  TEST_CASE("instances come back oldest first, with what operators set apart from what they say")
  {
    const StateScratch scratch;
    route::RegistryEntry two = entry(2);
    two.policies.reported = route::PortPolicy{route::PortPolicy::Access::listed, {{443, true}}};
    {
      const auto state = scratch.open();
      REQUIRE(state->save({entry(1), two, entry(3)}, {}));
      REQUIRE(state->set_admin_policy(two.instance_id, route::PortPolicy{}));
      REQUIRE(state->set_drained(two.instance_id, true));
      REQUIRE(state->set_drained(two.instance_id, true));
      two.public_key.fill(9);
      REQUIRE(state->save({two}, {entry(3).instance_id}));
    }
    const auto fleet = scratch.open()->fleet();
    REQUIRE_MESSAGE(fleet, fleet.error().message());
    REQUIRE(fleet->entries.size() == 2);
    CHECK(fleet->entries[0].instance_id == two.instance_id);
    CHECK(fleet->entries[0].public_key == two.public_key);
    CHECK(fleet->entries[0].address == two.address);
    CHECK(fleet->entries[0].policies.reported == two.policies.reported);
    CHECK(fleet->entries[0].policies.set_by_admin == route::PortPolicy{});
    CHECK(fleet->entries[1].registered == entry(1).registered);
    CHECK(fleet->drained == std::set<std::string>{two.instance_id});
  }

  TEST_CASE("what is removed leaves nothing for who gets the id later")
  {
    const StateScratch scratch;
    const auto state = scratch.open();
    const std::string id = entry(1).instance_id;
    REQUIRE(state->save({entry(1)}, {}));
    REQUIRE(state->set_admin_policy(id, route::PortPolicy{}));
    REQUIRE(state->set_drained(id, true));
    REQUIRE(state->save({}, {id}));
    REQUIRE(state->save({entry(1)}, {}));
    const auto fleet = *state->fleet();
    CHECK_FALSE(fleet.entries[0].policies.set_by_admin);
    CHECK(fleet.drained.empty());
  }

  TEST_CASE("identifiers are made once")
  {
    const StateScratch scratch;
    const Bytes made = *scratch.open()->identifier("uuid", 16);
    CHECK(made.size() == 16);
    CHECK(*scratch.open()->identifier("uuid", 16) == made);
    CHECK(*scratch.open()->identifier("wireguard", 16) != made);
    CHECK_FALSE(scratch.open()->identifier("uuid", 32));
  }

  TEST_CASE("domains, settings, certificates, accounts and attestations")
  {
    const StateScratch scratch;
    const auto state = scratch.open();
    gateway::DomainSettings domain;
    domain.name = "b.example";
    domain.dns = "own";
    domain.priority = 4;
    REQUIRE(state->add_domain(domain));
    CHECK(state->domains()->at(0) == domain);
    CHECK(state->delete_domain("b.example"));
    CHECK(state->delete_domain("b.example").error().code() == Errc::not_found);

    CHECK_FALSE(*state->setting("accepting"));
    REQUIRE(state->set_setting("accepting", "no"));
    CHECK(**state->setting("accepting") == "no");

    REQUIRE(state->save_certificate({"b.example", "chain", "key", Time{5}}));
    REQUIRE(state->save_certificate({"b.example", "chain2", "key2", Time{6}}));
    const auto certificates = *state->certificates();
    REQUIRE(certificates.size() == 1);
    CHECK(certificates[0].key_pem == "key2");

    CHECK_FALSE(*state->account("https://ca"));
    REQUIRE(state->save_account({"https://ca", "https://ca/1", SecretBytes{Bytes{1, 2}}}));
    CHECK(to_bytes((*state->account("https://ca"))->key_der.view()) == Bytes{1, 2});

    for (std::uint8_t i = 1; i <= 3; ++i)
      REQUIRE(state->add_attestation("zt-cert:b.example", {{i}, "q", "a", Time{i}}));
    CHECK(state->attestations("zt-cert:b.example", 0)->size() == 3);
    CHECK(state->attestations("zt-cert:b.example", 1)->at(0).public_key == Bytes{3});
    CHECK(state->attestations("acme-account:x", 0)->empty());
  }
}

} // namespace dstack::gatewaynode
