#include "guestapi/metrics.hpp"

#include <doctest/doctest.h>

namespace dstack::guestapi {

TEST_SUITE("guestapi::render_metrics")
{
  TEST_CASE("every metric of the published list, gauges all")
  {
    SystemInfo info;
    info.os_name = "dstack";
    info.os_version = "0.6.0";
    info.kernel_version = "6.1";
    info.cpu_model = "back\\slash \"quoted\"\nline";
    info.num_cpus = 2;
    info.total_memory = 10;
    info.available_memory = 7;
    info.used_memory = 3;
    info.free_memory = 5;
    info.total_swap = 9;
    info.used_swap = 1;
    info.free_swap = 8;
    info.uptime = 60;
    info.loadavg_one = 52;
    info.loadavg_five = 148;
    info.loadavg_fifteen = 1009;
    info.disks = {{"/dev/a", "/", 200, 50}, {"b\"", "/data", 0, 0}};
    CHECK(render_metrics(info) == R"(# TYPE system_os_name gauge
system_os_name{os_name="dstack"} 1
# TYPE system_os_version gauge
system_os_version{os_version="0.6.0"} 1
# TYPE system_kernel_version gauge
system_kernel_version{kernel_version="6.1"} 1
# TYPE system_cpu_model gauge
system_cpu_model{cpu_model="back\\slash \"quoted\"\nline"} 1
# TYPE system_num_cpus gauge
system_num_cpus 2
# TYPE system_memory_total gauge
system_memory_total 10
# TYPE system_memory_available gauge
system_memory_available 7
# TYPE system_memory_used gauge
system_memory_used 3
# TYPE system_memory_free gauge
system_memory_free 5
# TYPE system_swap_total gauge
system_swap_total 9
# TYPE system_swap_used gauge
system_swap_used 1
# TYPE system_swap_free gauge
system_swap_free 8
# TYPE system_uptime gauge
system_uptime 60
# TYPE system_load_average_1m gauge
system_load_average_1m 52
# TYPE system_load_average_5m gauge
system_load_average_5m 148
# TYPE system_load_average_15m gauge
system_load_average_15m 1009
# TYPE disk_total_size gauge
disk_total_size{name="/dev/a",mount_point="/"} 200
disk_total_size{name="b\"",mount_point="/data"} 0
# TYPE disk_free_size gauge
disk_free_size{name="/dev/a",mount_point="/"} 50
disk_free_size{name="b\"",mount_point="/data"} 0
# TYPE disk_used_size gauge
disk_used_size{name="/dev/a",mount_point="/"} 150
disk_used_size{name="b\"",mount_point="/data"} 0
# TYPE disk_usage_percentage gauge
disk_usage_percentage{name="/dev/a",mount_point="/"} 75.00
disk_usage_percentage{name="b\"",mount_point="/data"} 0
)");
  }
}

} // namespace dstack::guestapi
