#include "config/config.hpp"

#include <doctest/doctest.h>
#include <map>
#include <set>

namespace dstack::config {
namespace {

std::function<std::string(const char*)> variables(std::map<std::string, std::string> values)
{
  return [values = std::move(values)](const char* name) {
    const auto at = values.find(name);
    return at == values.end() ? std::string{} : at->second;
  };
}

std::string message(const Inputs& inputs)
{
  const auto loaded = Config::load(inputs);
  return loaded ? std::string{"accepted"} : loaded.error().message();
}

std::string file_message(const std::string& text)
{
  return message({{{"/f", text}}, {}, {}});
}

} // namespace

TEST_SUITE("config")
{
  TEST_CASE("every built-in value reads as its kind; keys and variables are unique")
  {
    const auto loaded = Config::load({});
    REQUIRE(loaded);
    std::set<std::string_view> names;
    for (const Setting& setting : settings()) {
      CHECK(names.insert(setting.key).second);
      CHECK(names.insert(setting.environment).second);
      CHECK(setting.environment.starts_with("DSTACK_"));
      CHECK(!setting.help.empty());
      CHECK(loaded->value(setting.key).origin == "built-in");
    }
    CHECK(loaded->count("vm.cpus") == 2);
    CHECK(loaded->bytes("vm.memory") == std::uint64_t{2} << 30U);
    CHECK(loaded->bytes("vm.disk") == std::uint64_t{20} << 30U);
    CHECK(loaded->duration_ms("deploy.wait_timeout") == 600'000);
    CHECK(loaded->list("registry.insecure").empty());
    CHECK(loaded->text("vm.tee") == "auto");
  }

  TEST_CASE("each layer covers the one below, key by key, and says where it is from")
  {
    const Inputs inputs{
        {{"/etc/a", "image = 'sys'\n[vm]\ncpus = 3\nmemory = '3G'\ndisk = 1073741824\n"},
         {"/home/b", "[vm]\nmemory = '4G'\n[registry]\ninsecure = ['a:5000', 'b']\n"}},
        variables({{"DSTACK_VM_MEMORY", "5G"}, {"DSTACK_REGISTRY_INSECURE", ""}}),
        {{"vm.tee", "--tee", "sim"}}};
    const auto loaded = Config::load(inputs);
    REQUIRE(loaded);
    CHECK(loaded->text("image") == "sys");
    CHECK(loaded->value("image").origin == "/etc/a:1");
    CHECK(loaded->count("vm.cpus") == 3);
    CHECK(loaded->value("vm.cpus").origin == "/etc/a:3");
    CHECK(loaded->bytes("vm.disk") == std::uint64_t{1} << 30U);
    CHECK(loaded->bytes("vm.memory") == std::uint64_t{5} << 30U);
    CHECK(loaded->value("vm.memory").origin == "DSTACK_VM_MEMORY");
    CHECK(loaded->value("vm.memory").layer == Layer::environment);
    CHECK(loaded->list("registry.insecure") == std::vector<std::string>{"a:5000", "b"});
    CHECK(loaded->text("registry.insecure") == "a:5000,b");
    CHECK(loaded->value("vm.tee").origin == "--tee");
    CHECK(loaded->value("qemu").layer == Layer::built_in);
  }

  TEST_CASE("lists in the environment are separated by commas")
  {
    const auto loaded =
        Config::load({{}, variables({{"DSTACK_REGISTRY_INSECURE", " a:1, ,b"}}), {}});
    REQUIRE(loaded);
    CHECK(loaded->list("registry.insecure") == std::vector<std::string>{"a:1", "b"});
  }

  TEST_CASE("errors name the place, the key, what was seen and what was wanted")
  {
    CHECK(file_message("\nvm.cpu = 2\n") == "/f:2: unknown key 'vm.cpu'; did you mean 'vm.cpus'?");
    CHECK(file_message("zebra = 1") == "/f:1: unknown key 'zebra'");
    CHECK(file_message("[vms]\ncpus = 1").starts_with("/f:1: unknown key 'vms'"));
    CHECK(file_message("[vm.deep]\ncpus = 1").starts_with("/f:1: unknown key 'vm.deep'"));
    CHECK(file_message("vm = 2").starts_with("/f:1: unknown key 'vm'"));
    CHECK(file_message("image = { cpus = 1 }") ==
          "/f:1: image: a table where a line of text is wanted");
    CHECK(file_message("[vm]\ncpus = 'two'") ==
          "/f:2: vm.cpus: 'two' is not a whole number from 1 on");
    CHECK(file_message("[vm]\ncpus = 0") == "/f:2: vm.cpus: '0' is not a whole number from 1 on");
    CHECK(file_message("[vm]\ncpus = true") ==
          "/f:2: vm.cpus: true or false where a whole number from 1 on is wanted");
    CHECK(file_message("[vm]\ntee = 'sgx'") == "/f:2: vm.tee: 'sgx' is none of auto, tdx, snp, sim");
    CHECK(file_message("[debian]\nmirror = ''") ==
          "/f:2: debian.mirror: '' is not an http:// or https:// address");
    CHECK(file_message("[registry]\nmirror = 'ftp://x'").find("is not an http://") !=
          std::string::npos);
    CHECK(file_message("[registry]\ninsecure = [1]").find("not a word") != std::string::npos);
    CHECK(file_message("image = \"a\\nb\"").find("/f:1: image: '") == 0);
    CHECK(file_message("a =").starts_with("/f: line 1, column"));
    CHECK(message({{}, variables({{"DSTACK_VM_CPUS", "-1"}}), {}}) ==
          "DSTACK_VM_CPUS: '-1' is not a whole number from 1 on");
    const auto flag = Config::load({{}, {}, {{"vm.memory", "--memory", "much"}}});
    REQUIRE(!flag);
    CHECK(flag.error().code() == Errc::usage);
    CHECK(flag.error().message() == "--memory: 'much' is not a size such as 512M or 2G");
  }

  TEST_CASE("one file given by hand replaces both usual ones and must exist")
  {
    const auto usual = plan_files("", "", "/h/.config/dstack");
    REQUIRE(usual.size() == 2);
    CHECK(usual[0].path == "/etc/dstack/dstack.toml");
    CHECK(usual[1].path == "/h/.config/dstack/dstack.toml");
    CHECK(usual[1].presence == Presence::optional);
    const auto variable = plan_files("", "/v", "/h");
    REQUIRE(variable.size() == 1);
    CHECK(variable[0].path == "/v");
    CHECK(variable[0].presence == Presence::required);
    CHECK(plan_files("/flag", "/v", "/h")[0].path == "/flag");
  }
}

} // namespace dstack::config
