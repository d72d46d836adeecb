#include "cli/deploy/placement.hpp"

#include "cli/deploy/ports.hpp"
#include "cli/deploy/sys_config.hpp"

#include <doctest/doctest.h>

namespace dstack::cli {

namespace {

using codec::Json;

const std::vector<host::Gpu> bus{{"0000:17:00.0", "10de:2335", false, "vfio-pci", "36", 0},
                                 {"0000:3d:00.0", "10de:2335", false, "nvidia", "37", 0},
                                 {"0000:07:00.0", "10de:22a3", true, "vfio-pci", "38", 0}};

template <class T> std::string why(const Result<T>& result)
{
  return result ? "accepted" : result.error().message();
}

bool says(const std::string& text, std::string_view part)
{
  INFO(text);
  return text.find(part) != std::string::npos;
}

std::string refusal(const PlacementOptions& options)
{
  return why(plan_placement(options, bus));
}

PlacementOptions with_networks(std::vector<std::string> networks)
{
  PlacementOptions out;
  out.networks = std::move(networks);
  return out;
}

PlacementOptions with_gpus(std::vector<std::string> gpus)
{
  PlacementOptions out;
  out.gpus = std::move(gpus);
  return out;
}

/// A host of 8 CPUs, 16 GiB with 12 available, 4 huge pages of 1 GiB free, one bridge.
host::Facts small_host()
{
  constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;
  Json out;
  out.set("schema", host::facts_schema).set("cpu", Json{}.set("count", 8));
  out.set("memory",
          Json{}.set("total_bytes", 16 * gibibyte).set("available_bytes", 12 * gibibyte));
  Json nodes = Json::array();
  nodes.push(to_json(host::NumaNode{0, "0-7", 16 * gibibyte, {{1048576, 4, 4}}}));
  Json bridges = Json::array();
  bridges.push("br0");
  out.set("numa", std::move(nodes)).set("bridges", std::move(bridges));
  return *host::Facts::from_json(std::move(out));
}

std::string fits(const store::VmSpec& spec)
{
  return why(check_fits(spec, *config::Config::load({}), small_host()));
}

store::VmSpec spec_of(store::Tee tee, std::uint32_t cpus, std::uint64_t gigabytes)
{
  store::VmSpec out;
  out.tee = tee;
  out.cpus = cpus;
  out.memory_bytes = gigabytes << 30U;
  return out;
}

} // namespace

TEST_SUITE("cli::plan_placement")
{
  TEST_CASE("nothing asked for is nothing stored")
  {
    CHECK(*plan_placement({}, bus) == store::VmPlacement{});
    CHECK(*plan_placement(with_networks({"user"}), bus) == store::VmPlacement{});
  }

  TEST_CASE("networks with the guest's addresses")
  {
    const auto placed = plan_placement(
        with_networks({"bridge:br0,192.168.7.2/24,192.168.7.1,9.9.9.9", "user", "tap:vm0"}), bus);
    REQUIRE(placed);
    REQUIRE(placed->networks.size() == 3);
    CHECK(placed->networks[0] ==
          store::VmNetwork{vm::NetworkMode::bridge, "br0", "192.168.7.2/24", "192.168.7.1",
                           "9.9.9.9"});
    CHECK(placed->networks[2] == store::VmNetwork{vm::NetworkMode::tap, "vm0", "", "", ""});
    for (const char* bad :
         {"", "wifi", "bridge", "bridge:", "user:x", "tap:a b", "bridge:br0,1.2.3.4",
          "bridge:br0,1.2.3.4/33", "bridge:br0,1.2.3.4/24,x", "bridge:br0,1.2.3.4/24,1.2.3.1,x",
          "bridge:br0,1.2.3.4/24,1.2.3.1,1.1.1.1,x", "bridge:br0/../x"}) {
      CAPTURE(bad);
      CHECK(parse_network(bad).error().code() == Errc::usage);
      CHECK(says(why(parse_network(bad)), "--net "));
    }
    CHECK(says(refusal(with_networks({"user", "user"})), "one user network at most"));
    CHECK(says(refusal(with_networks({"bridge:br0"})), "needs ADDRESS/PREFIX and GATEWAY"));
    CHECK(says(refusal(with_networks({"tap:t,1.2.3.4/24", "user"})), "no DHCP client"));
  }

  TEST_CASE("GPUs by slot, in short or whole, and all of them with their switches")
  {
    CHECK(plan_placement(with_gpus({"17:00.0"}), bus)->gpus ==
          std::vector<std::string>{"0000:17:00.0"});
    const auto both = plan_placement(with_gpus({"0000:17:00.0", "07:00.0"}), bus);
    CHECK(both->gpus == std::vector<std::string>{"0000:17:00.0"});
    CHECK(both->nvswitches == std::vector<std::string>{"0000:07:00.0"});
    CHECK(says(refusal(with_gpus({"18:00.0"})), "this host has no GPU there"));
    CHECK(says(refusal(with_gpus({"3d:00.0"})), "driver 'nvidia' has it"));
    CHECK(says(refusal(with_gpus({"all"})), "driver 'nvidia' has it"));
    CHECK(says(refusal(with_gpus({"17:00.0", "0000:17:00.0"})), "given twice"));
    CHECK(says(refusal(with_gpus({"all", "17:00.0"})), "and others by their slot"));
    const std::vector<host::Gpu> ready{bus[0], bus[2]};
    const auto all = plan_placement(with_gpus({"all"}), ready);
    CHECK(all->gpus.size() == 1);
    CHECK(all->nvswitches.size() == 1);
    CHECK(says(why(plan_placement(with_gpus({"all"}), {})), "this host has no GPU"));
  }

  TEST_CASE("a GPU of a running VM is not given away again")
  {
    store::VmSpec mine;
    mine.id = "aaaaaaaaaaaa";
    mine.placement.gpus = {"0000:17:00.0"};
    store::VmRecord other;
    other.spec = mine;
    other.spec.id = "bbbbbbbbbbbb";
    CHECK(check_gpus_free(mine, {other})); // it does not run
  }
}

TEST_SUITE("cli::check_fits")
{
  TEST_CASE("what the host has, and what of it a confidential VM keeps for itself")
  {
    CHECK(fits(spec_of(store::Tee::sim, 2, 2)) == "accepted");
    CHECK(fits(spec_of(store::Tee::sim, 16, 16)) == "accepted");
    CHECK(says(fits(spec_of(store::Tee::sim, 2, 17)), "17G of memory, and this host has 16G"));
    CHECK(fits(spec_of(store::Tee::tdx, 8, 12)) == "accepted");
    CHECK(says(fits(spec_of(store::Tee::tdx, 9, 2)), "9 CPUs, and this host has 8"));
    CHECK(says(fits(spec_of(store::Tee::tdx, 2, 13)), "this host has 12G left"));
    CHECK(says(fits(spec_of(store::Tee::snp, 2, 13)), "this host has 12G left"));
    store::VmSpec huge = spec_of(store::Tee::tdx, 2, 4);
    huge.placement.hugepages = true;
    CHECK(fits(huge) == "accepted");
    huge.memory_bytes = std::uint64_t{5} << 30U;
    CHECK(says(fits(huge), "--hugepages: 4G free on this host, 5G wanted"));
  }

  TEST_CASE("what the owner of the host allows")
  {
    config::Inputs inputs;
    inputs.flags = {{"vm.max_cpus", "--x", "4"}, {"vm.max_memory", "--x", "8G"}};
    const auto config = config::Config::load(inputs);
    REQUIRE(config);
    const auto allowed = [&](const store::VmSpec& spec) {
      return why(check_fits(spec, *config, small_host()));
    };
    CHECK(allowed(spec_of(store::Tee::sim, 4, 8)) == "accepted");
    CHECK(says(allowed(spec_of(store::Tee::sim, 5, 8)), "(vm.max_cpus)"));
    CHECK(says(allowed(spec_of(store::Tee::sim, 4, 9)), "(vm.max_memory)"));
  }

  TEST_CASE("a bridge that is not there is named with those that are")
  {
    store::VmSpec spec = spec_of(store::Tee::sim, 1, 1);
    spec.placement.networks = {{vm::NetworkMode::bridge, "br0", "", "", ""}};
    CHECK(fits(spec) == "accepted");
    spec.placement.networks = {{vm::NetworkMode::bridge, "br1", "", "", ""}};
    CHECK(says(fits(spec), "--net bridge:br1: this host has the bridges br0"));
  }
}

TEST_SUITE("cli::sys_config of a host's networks")
{
  TEST_CASE("the guest is told the addresses of its devices, in their order")
  {
    store::VmSpec spec = spec_of(store::Tee::tdx, 2, 4);
    spec.placement.networks = {{vm::NetworkMode::bridge, "br0", "192.168.7.2/24", "192.168.7.1", ""},
                               {vm::NetworkMode::user, "", "", "", ""},
                               {vm::NetworkMode::tap, "vm0", "", "", ""}};
    const auto told = codec::parse_json(sys_config(spec, {}, {}));
    REQUIRE(told);
    const Json& own = *told->find("dstack");
    CHECK(*own.find("network")->need_string("dns") == "192.168.7.1");
    const codec::JsonArray& more = own.find("more_networks")->items();
    REQUIRE(more.size() == 2);
    CHECK(*more[0].need_string("address") == "10.0.2.10/24");
    CHECK(more[1].is_null());
    CHECK(told->find("mr_config") == nullptr);
  }

  TEST_CASE("addresses of this machine itself need a user network")
  {
    store::VmSpec spec = spec_of(store::Tee::tdx, 2, 4);
    spec.kms.urls = {"https://kms.example:1", "https://127.0.0.1:8000"};
    CHECK(check_reachable(spec));
    spec.placement.networks = {{vm::NetworkMode::bridge, "br0", "192.168.7.2/24", "192.168.7.1", ""}};
    CHECK(says(why(check_reachable(spec)), "https://127.0.0.1:8000 is this machine's own address"));
    spec.kms.urls.pop_back();
    CHECK(check_reachable(spec));
    spec.registry_mirror = "http://localhost:5000";
    CHECK(check_reachable(spec).error().code() == Errc::usage);
  }

  TEST_CASE("without a user network nothing is forwarded, and it is said where the app is")
  {
    store::VmPlacement placement;
    PortPlan plan{{{vm::Protocol::tcp, "127.0.0.1", 8080, 80}}, {}};
    drop_unreachable(plan, placement);
    CHECK(plan.forwards.size() == 1);
    placement.networks = {{vm::NetworkMode::bridge, "br0", "192.168.7.2/24", "192.168.7.1", ""}};
    drop_unreachable(plan, placement);
    CHECK(plan.forwards.empty());
    REQUIRE(plan.remarks.size() == 1);
    CHECK(says(plan.remarks[0], "reach 192.168.7.2:80"));
  }
}

} // namespace dstack::cli
