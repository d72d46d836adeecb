#include "codec/json.hpp"
#include "guest/block_device.hpp"
#include "guest/config_share.hpp"
#include "guest/data_disk.hpp"
#include "guest/modules.hpp"
#include "guest/override_file.hpp"
#include "guest/runtime.hpp"
#include "guest/sys_config.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {

namespace {

constexpr std::string_view good_config =
    R"({"kms_urls":["https://10.0.2.2:8000"],"gateway_urls":["https://10.0.2.2:9202"],"vm_config":"{\"os_image_hash\":\"abcd\",\"cpu_count\":2}","docker_registry":"",
        "dstack":{"tee":"sim","bundle":true,"hostname":"web-1","insecure_registries":["10.0.2.2:5000"],
        "network":{"address":"10.0.2.15/24","gateway":"10.0.2.2","dns":"10.0.2.3"}}})";

std::string config_with(std::string_view from, std::string_view to)
{
  std::string out{good_config};
  const std::size_t at = out.find(from);
  REQUIRE(at != std::string::npos);
  return out.replace(at, from.size(), to);
}

} // namespace

TEST_SUITE("guest::parse_sys_config")
{
  TEST_CASE("every field is read and vm_config is kept verbatim")
  {
    const auto config = parse_sys_config(good_config);
    REQUIRE(config);
    CHECK(config->vm_config == R"({"os_image_hash":"abcd","cpu_count":2})");
    CHECK(config->os_image_hash == "abcd");
    CHECK(config->kms_urls == std::vector<std::string>{"https://10.0.2.2:8000"});
    CHECK(config->gateway_urls == std::vector<std::string>{"https://10.0.2.2:9202"});
    CHECK(config->bundle);
    CHECK(config->hostname == "web-1");
    CHECK(config->insecure_registries == std::vector<std::string>{"10.0.2.2:5000"});
    REQUIRE(config->network);
    CHECK(config->network->address == "10.0.2.15");
    CHECK(config->network->prefix == 24);
  }

  TEST_CASE("further networks need no gateway, and may have no address")
  {
    const auto more = [](const char* list) {
      return parse_sys_config(
          config_with(R"("bundle":true)", fmt::format(R"("more_networks":{})", list)));
    };
    const auto config = more(R"([null,{"address":"192.168.7.2/24"}])");
    REQUIRE(config);
    REQUIRE(config->more_networks.size() == 2);
    CHECK_FALSE(config->more_networks[0]);
    CHECK(config->more_networks[1]->address == "192.168.7.2");
    CHECK(config->more_networks[1]->prefix == 24);
    CHECK(config->more_networks[1]->gateway.empty());
    CHECK_FALSE(more(R"([{"address":"192.168.7.2"}])"));
    CHECK_FALSE(more(R"([{"address":"192.168.7.2/24","gateway":"x","dns":"1.1.1.1"}])"));
    CHECK_FALSE(more(R"({})"));
    std::string many = "[null";
    for (int i = 0; i < 16; ++i)
      many += ",null";
    CHECK_FALSE(more((many + "]").c_str()));
  }

  TEST_CASE("a configuration of another host tool, without our key, is enough")
  {
    const auto config = parse_sys_config(R"({"vm_config":"{}"})");
    REQUIRE(config);
    CHECK_FALSE(config->network);
    CHECK(config->kms_urls.empty());
    CHECK(config->hostname == "dstack");
  }

  TEST_CASE("gateways go by their older name when there are none by the newer one")
  {
    const auto older = parse_sys_config(config_with("gateway_urls", "tproxy_urls"));
    REQUIRE(older);
    CHECK(older->gateway_urls == std::vector<std::string>{"https://10.0.2.2:9202"});
    const auto both = parse_sys_config(
        config_with("\"gateway_urls\"", R"("tproxy_urls":["https://x"],"gateway_urls")"));
    REQUIRE(both);
    CHECK(both->gateway_urls == older->gateway_urls);
  }

  TEST_CASE("the image hash is told in lower case, however the host writes it")
  {
    const auto config = parse_sys_config(config_with("abcd", "ABcd"));
    REQUIRE(config);
    CHECK(config->os_image_hash == "abcd");
    CHECK(config->vm_config == R"({"os_image_hash":"ABcd","cpu_count":2})");
  }

  TEST_CASE("one wrong value per field is refused")
  {
    CHECK_FALSE(parse_sys_config("{}"));
    CHECK_FALSE(parse_sys_config(R"({"vm_config":{}})"));
    CHECK_FALSE(parse_sys_config(R"({"vm_config":"no json"})"));
    for (const auto& [from, to] : {std::pair{"abcd", "xy"},
                                   {"/24", ""},
                                   {"/24", "/0"},
                                   {"/24", "/33"},
                                   {"10.0.2.15", "10.0.2"},
                                   {"10.0.2.2\"", "gw\""},
                                   {"10.0.2.3", ""},
                                   {"[\"https://10.0.2.2:8000\"]", "\"https://10.0.2.2:8000\""},
                                   {"\"https://10.0.2.2:8000\"", "7"},
                                   {"[\"https://10.0.2.2:9202\"]", "\"https://10.0.2.2:9202\""},
                                   {"web-1", ""},
                                   {"web-1", "-x"},
                                   {"web-1", "a b"},
                                   {"true", "1"}}) {
      CAPTURE(from);
      CAPTURE(to);
      CHECK_FALSE(parse_sys_config(config_with(from, to)));
    }
  }

  TEST_CASE("instance info comes back as it was written, parts may be missing")
  {
    const Bytes seed(20, 1);
    const Bytes app(20, 2);
    const auto info = parse_instance_info(write_instance_info(seed, Bytes(20, 3), app));
    REQUIRE(info);
    CHECK(info->instance_id_seed == seed);
    CHECK(info->app_id == app);
    REQUIRE(parse_instance_info(""));
    REQUIRE(parse_instance_info("{}"));
    CHECK_FALSE(parse_instance_info(R"({"app_id":"abcd"})"));
    CHECK_FALSE(parse_instance_info("[]x"));
  }
}

TEST_SUITE("guest::parse_modules_dep")
{
  TEST_CASE("dependencies come in the order in which they must be loaded")
  {
    const auto modules =
        parse_modules_dep("kernel/net/virtio_net.ko: kernel/net_failover.ko kernel/failover.ko\n"
                          "kernel/crypto/aesni-intel.ko:\n");
    REQUIRE(modules);
    CHECK(modules->at("virtio_net").first ==
          std::vector<std::string>{"kernel/failover.ko", "kernel/net_failover.ko"});
    CHECK(modules->at("aesni_intel").file == "kernel/crypto/aesni-intel.ko");
    CHECK_FALSE(parse_modules_dep("no colon here\n"));
  }
}

TEST_SUITE("guest disks")
{
  TEST_CASE("the label of either kind of FAT is read, anything else has none")
  {
    Bytes fat32(512);
    const auto put = [](Bytes& into, std::size_t at, std::string_view text) {
      std::copy(text.begin(), text.end(), into.begin() + static_cast<std::ptrdiff_t>(at));
    };
    fat32[510] = 0x55;
    fat32[511] = 0xaa;
    CHECK(fat_label(fat32).empty());
    Bytes fat16 = fat32;
    fat32[66] = 0x29;
    put(fat32, 71, "DSTACKSHR  FAT32   ");
    CHECK(fat_label(fat32) == "DSTACKSHR");
    fat16[22] = 32;
    fat16[38] = 0x29;
    put(fat16, 43, "DSTACKSHR  FAT16   ");
    CHECK(fat_label(fat16) == "DSTACKSHR");
    fat16[511] = 0;
    CHECK(fat_label(fat16).empty());
    CHECK(fat_label(ByteView{fat32}.first(511)).empty());
  }

  TEST_CASE("the partition name is taken from a uevent")
  {
    CHECK(partition_name("MAJOR=254\nDEVNAME=vda1\nPARTN=1\nPARTNAME=dstack-rootfs\n") ==
          "dstack-rootfs");
    CHECK(partition_name("MAJOR=254\n").empty());
  }

  TEST_CASE("the size of an ext4 is blocks times block size")
  {
    ByteWriter out;
    out.zeros(4).u32le(1000).zeros(16).u32le(2).zeros(28).u16le(0xef53).zeros(38).u32le(0x80);
    out.zeros(236).u32le(1).zeros(684);
    REQUIRE(out.size() == 1024);
    CHECK(ext4_size(out.bytes()) == ((std::uint64_t{1} << 32U) + 1000) * 4096);
    CHECK_FALSE(ext4_size(Bytes(1024)));
    CHECK_FALSE(ext4_size(ByteView{out.bytes()}.first(100)));
  }
}

TEST_SUITE("guest::override_file")
{
  TEST_CASE("each service is bound to its image and never pulled")
  {
    const std::string id = "sha256:" + std::string(64, 'a');
    const auto text = override_file({{"web", id}});
    REQUIRE(text);
    CHECK(*text == R"({"services":{"web":{"image":")" + id + R"(","pull_policy":"never"}}})");
    CHECK_FALSE(override_file({{"web", "nginx:1.27"}}));
    CHECK_FALSE(override_file({{"web", "sha256:abcd"}}));
  }

  TEST_CASE("project names are those compose would make")
  {
    for (const auto& [name, project] : {std::pair{"demo", "demo"},
                                        {"My App", "myapp"},
                                        {"_x-1_", "x-1_"},
                                        {"--", "app"},
                                        {"", "app"},
                                        {"d\xc3\xa9mo", "dmo"}})
      CHECK(project_name(name) == project);
  }
}

TEST_SUITE("guest::daemon_config")
{
  TEST_CASE("a mirror over plain HTTP is also an insecure registry")
  {
    const auto config =
        daemon_config(R"({"log-level":"warn"})", "http://10.0.2.2:5000/", {"reg:1"});
    REQUIRE(config);
    CHECK(*config == R"({"log-level":"warn","registry-mirrors":["http://10.0.2.2:5000/"],)"
                     R"("insecure-registries":["reg:1","10.0.2.2:5000"]})");
    const auto plain = daemon_config("{}", "https://mirror", {});
    REQUIRE(plain);
    CHECK(*plain == R"({"registry-mirrors":["https://mirror"]})");
    CHECK_FALSE(daemon_config("[]", "", {}));
  }
}

} // namespace dstack::guest
