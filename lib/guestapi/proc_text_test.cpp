#include "guestapi/proc_text.hpp"

#include <doctest/doctest.h>

namespace dstack::guestapi {

TEST_SUITE("guestapi machine facts")
{
  TEST_CASE("memory and swap in bytes; used is what is not available")
  {
    SystemInfo info;
    add_memory(info, "MemTotal:        2014408 kB\nMemFree:  50 kB\nMemAvailable:  100 kB\n"
                     "SwapTotal: 30 kB\nSwapFree: 10 kB\n");
    CHECK(info.total_memory == 2014408ULL * 1024);
    CHECK(info.used_memory == 2014308ULL * 1024);
    CHECK(info.free_memory == 50ULL * 1024);
    CHECK(info.used_swap == 20ULL * 1024);
    CHECK(meminfo_bytes("MemTotal", "MemTotal") == 0);
  }

  TEST_CASE("load, uptime, release and processor")
  {
    CHECK(load_averages("0.52 1.48 10.09 2/99 1234") ==
          std::array<std::uint32_t, 3>{52, 148, 1009});
    CHECK(load_averages("") == std::array<std::uint32_t, 3>{});
    CHECK(uptime_seconds("123.99 400.01\n") == 123);
    CHECK(os_release_value("ID=x\nVERSION_ID=\"0.6.0\"\n", "VERSION_ID") == "0.6.0");
    CHECK(os_release_value("NAME='a b'\n", "NAME") == "a b");
    CHECK(os_release_value("ID=x\n", "NAME").empty());
    CHECK(os_release_value("OTHER_VERSION_ID=1\n", "VERSION_ID").empty());
    CHECK(cpu_model("processor\t: 0\nmodel name\t: Xeon(R) 8480C\ncpu MHz\t\t: 2000.084\n"
                    "model name\t: other\n") == "Xeon(R) 8480C @2000 MHz");
    CHECK(cpu_model("").empty());
  }

  TEST_CASE("a disk is named by what is mounted, the last mount counts")
  {
    constexpr std::string_view mounts = "/dev/vda / ext4 ro 0 0\ntmpfs /data tmpfs rw 0 0\n"
                                        "/dev/mapper/my\\040disk /data ext4 rw 0 0\n";
    CHECK(mount_source(mounts, "/data") == "/dev/mapper/my disk");
    CHECK(mount_source(mounts, "/") == "/dev/vda");
    CHECK(mount_source(mounts, "/none") == "/none");
  }

  TEST_CASE("name servers, commented ones not")
  {
    CHECK(nameservers("# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.2.3\n nameserver\t::1 \n") ==
          std::vector<std::string>{"10.0.2.3", "::1"});
  }

  TEST_CASE("default gateways of both families, each once")
  {
    constexpr std::string_view route =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0202000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth1\t00000000\t0202000A\t0003\t0\t0\t200\t00000000\t0\t0\t0\n"
        "wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0002000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
    constexpr std::string_view ipv6 =
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        "fe800000000000000000000000000002 00000400 00000001 00000000 00450003 eth0\n"
        "fec00000000000000000000000000000 40 00000000000000000000000000000000 00 "
        "00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n";
    CHECK(default_gateways(route, ipv6) == std::vector<std::string>{"10.0.2.2", "fe80::2"});
    CHECK(default_gateways("", "").empty());
  }

  TEST_CASE("interfaces of the VM with their counters, not the bridges of containers")
  {
    constexpr std::string_view dev =
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
        "    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
        "enp0s2: 100 2 3 4 5 6 7 8 900 10 11 12 13 14 15 16\n"
        "docker0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
        "dstack-wg0:5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\n";
    const auto found = interfaces(dev);
    REQUIRE(found.size() == 2);
    CHECK(found[0].name == "enp0s2");
    CHECK(found[0].rx_bytes == 100);
    CHECK(found[0].rx_errors == 3);
    CHECK(found[0].tx_bytes == 900);
    CHECK(found[0].tx_errors == 11);
    CHECK(found[1].name == "dstack-wg0");
    CHECK(is_shown_interface("eth0"));
    CHECK_FALSE(is_shown_interface("veth1"));
    CHECK_FALSE(is_shown_interface("wg0"));
  }

  TEST_CASE("answers carry every field under its published name")
  {
    SystemInfo system;
    system.disks = {{"/dev/vda", "/", 20, 5}};
    CHECK(codec::write_json(to_json(system)) ==
          R"({"os_name":"","os_version":"","kernel_version":"","cpu_model":"","num_cpus":0,)"
          R"("total_memory":0,"available_memory":0,"used_memory":0,"free_memory":0,"total_swap":0,)"
          R"("used_swap":0,"free_swap":0,"uptime":0,"loadavg_one":0,"loadavg_five":0,)"
          R"("loadavg_fifteen":0,"disks":[{"name":"/dev/vda","mount_point":"/","total_size":20,)"
          R"("free_size":5}]})");
    NetworkInfo network{
        {"10.0.2.3"}, {"10.0.2.2"}, {{"eth0", {{"10.0.2.15", 24}}, 1, 2, 3, 4}}, "w"};
    CHECK(codec::write_json(to_json(network)) ==
          R"({"dns_servers":["10.0.2.3"],"gateways":[{"address":"10.0.2.2"}],"interfaces":[)"
          R"({"name":"eth0","addresses":[{"address":"10.0.2.15","prefix":24}],"rx_bytes":1,)"
          R"("tx_bytes":2,"rx_errors":3,"tx_errors":4}],"wg_info":"w"})");
  }
}

} // namespace dstack::guestapi
