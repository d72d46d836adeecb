#include "route/address_pool.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

PoolSettings settings(std::string_view gateway,
                      std::string_view clients,
                      std::initializer_list<std::string_view> reserved)
{
  PoolSettings out;
  out.gateway = *parse_address_in_network(gateway);
  out.clients = *parse_network(clients);
  for (const std::string_view one : reserved)
    out.reserved.push_back(*parse_network(one));
  return out;
}

std::string pool_error(const PoolSettings& given)
{
  const auto pool = AddressPool::create(given);
  return pool ? "fine" : pool.error().message();
}

} // namespace

TEST_SUITE("route::address_pool")
{
  TEST_CASE("the range without its edges, the gateway and what is reserved, each once")
  {
    auto pool = *AddressPool::create(
        settings("10.8.0.1/28", "10.8.0.0/29", {"10.8.0.1/32", "10.8.0.4/31"}));
    std::string all;
    for (;;) {
      const auto got = pool.allocate();
      if (!got) {
        CHECK(got.error().message() == "no address is left in 10.8.0.0/29 (3 in use)");
        CHECK(got.error().code() == Errc::denied);
        break;
      }
      all += got->text() + " ";
    }
    CHECK(all == "10.8.0.2 10.8.0.3 10.8.0.6 ");
  }

  TEST_CASE("the broadcast address of the whole network is nobody's")
  {
    const auto pool = *AddressPool::create(settings("10.8.0.1/24", "10.8.0.255/32", {"10.8.0.1"}));
    CHECK(!pool.is_ours(*parse_address("10.8.0.255")));
    const auto single = *AddressPool::create(settings("10.8.0.1/24", "10.8.0.9/32", {"10.8.0.1"}));
    CHECK(single.is_ours(*parse_address("10.8.0.9")));
  }

  TEST_CASE("a freed address comes back only after all others were tried")
  {
    auto pool = *AddressPool::create(settings("10.8.0.1/24", "10.8.0.0/29", {"10.8.0.1"}));
    const Address first = *pool.allocate();
    CHECK(first.text() == "10.8.0.2");
    pool.release(first);
    CHECK(pool.taken() == 0);
    CHECK(pool.allocate()->text() == "10.8.0.3");
    for (int i = 0; i < 3; ++i)
      CHECK(pool.allocate()->text() != first.text());
    CHECK(*pool.allocate() == first);
    CHECK(!pool.allocate());
  }

  TEST_CASE("addresses of the state of before are taken once, and only if they are ours")
  {
    auto pool = *AddressPool::create(settings("10.8.0.1/16", "10.8.0.0/18", {"10.8.0.1"}));
    CHECK(pool.take(*parse_address("10.8.0.2")));
    CHECK(!pool.take(*parse_address("10.8.0.2")));
    CHECK(!pool.take(*parse_address("10.8.64.2")));
    CHECK(!pool.take(*parse_address("10.8.0.1")));
    CHECK(!pool.take(*parse_address("10.8.0.0")));
    CHECK(!pool.take(*parse_address("::1")));
    CHECK(pool.allocate()->text() == "10.8.0.3");
    pool.release(*parse_address("10.9.0.1"));
    pool.release(*parse_address("10.8.0.9"));
    CHECK(pool.taken() == 2);
  }

  TEST_CASE("four nodes of the published plan do not overlap, with 16382 addresses each")
  {
    std::size_t count = 0;
    for (const char* plan : {"10.8.64.1/16", "10.8.128.1/16"}) {
      const AddressInNetwork own = *parse_address_in_network(plan);
      PoolSettings node{own, Network{own.address, 18}, {Network{own.address, 32}}};
      auto pool = *AddressPool::create(node);
      while (pool.allocate())
        ++count;
    }
    CHECK(count == 2 * 16381); // the gateway's own is one of them
  }

  TEST_CASE("settings that contradict each other are refused")
  {
    CHECK(pool_error(settings("10.8.0.1/24", "10.9.0.0/25", {"10.8.0.1"})) ==
          "the range of VMs 10.9.0.0/25 is not inside 10.8.0.0/24");
    CHECK(pool_error(settings("10.8.0.1/24", "10.8.0.0/25", {})) ==
          "the gateway's address 10.8.0.1 is in no reserved network");
    CHECK(pool_error(settings("10.8.0.1/24", "10.8.0.0/25", {"10.8.0.1", "10.9.0.1"})) ==
          "the reserved network 10.9.0.1/32 is not inside 10.8.0.0/24");
    CHECK(pool_error(settings("10.8.0.1/8", "10.0.0.0/11", {"10.8.0.1"})) ==
          "the range of VMs 10.0.0.0/11 is larger than a /12");
    CHECK(pool_error(settings("fd00::1/64", "fd00::/120", {"fd00::1"})) ==
          "fd00::1 and fd00::/120: WireGuard addresses of VMs are IPv4");
  }
}

} // namespace dstack::route
