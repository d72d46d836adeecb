#include "cli/commands.hpp"
#include "cli/deploy/boot_options.hpp"
#include "cli/deploy/create.hpp"
#include "cli/deploy/ports.hpp"
#include "cli/deploy/sys_config.hpp"
#include "cli/parse.hpp"
#include "cli/ui/table.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace dstack::cli;
using dstack::Errc;

namespace {

struct Seen {
  std::string name = "none";
  std::vector<std::string> ports;
  std::vector<std::string> rest;
  std::uint64_t size = 0;
  bool follow = false;
};

/// A tree with one command that has an option of every kind.
struct Fixture {
  Fixture()
  {
    tree.group("os", "images");
    Leaf& leaf = tree.leaf("os run", "Try");
    leaf.option("--name", seen.name, "NAME", "A name").env("TEST_NAME");
    leaf.option("-p,--port", seen.ports, "PORT", "Ports");
    leaf.option("--tee", tee, "WORD", "Choice").choices({"sim", "tdx"});
    leaf.size("--size", seen.size, "A size");
    leaf.flag("-f,--follow", seen.follow, "A flag");
    leaf.arguments("WORD", seen.rest, "The rest");
    leaf.runs([](Context&) -> dstack::Result<Exit> { return Exit::ok; });
    tree.group("os disk", "disks of images");
    Leaf& deep = tree.leaf("os disk show", "Three words");
    deep.arguments("WORD", seen.rest, "The rest");
    deep.runs([](Context&) -> dstack::Result<Exit> { return Exit::ok; });
  }

  dstack::Result<Request> parse(std::vector<std::string> words)
  {
    return dstack::cli::parse(tree, words, globals, [this](const char* name) {
      return std::string{name} == "TEST_NAME" ? variable : "";
    });
  }

  Tree tree;
  Seen seen;
  std::string tee = "sim";
  std::string variable;
  Globals globals;
};

Errc code_of(const dstack::Result<Request>& result)
{
  return result ? Errc::internal : result.error().code();
}

} // namespace

TEST_SUITE("cli::parse")
{
  TEST_CASE("options may follow arguments, be repeated and be bundled with their values")
  {
    Fixture f;
    const auto request =
        f.parse({"-q", "os", "run", "a", "-f", "-p", "1", "b", "--port=2", "--size", "2G"});
    REQUIRE(request);
    CHECK(request->kind == Request::Kind::run);
    CHECK(f.seen.rest == std::vector<std::string>{"a", "b"});
    CHECK(f.seen.ports == std::vector<std::string>{"1", "2"});
    CHECK(f.seen.size == std::uint64_t{2} << 30U);
    CHECK(f.seen.follow);
    CHECK(f.globals.quiet);
  }

  TEST_CASE("two dashes end the options, one dash is an argument")
  {
    Fixture f;
    REQUIRE(f.parse({"os", "run", "-", "--", "-f", "--name"}));
    CHECK(f.seen.rest == std::vector<std::string>{"-", "-f", "--name"});
    CHECK_FALSE(f.seen.follow);
  }

  TEST_CASE("a variable stands in for an option that is absent")
  {
    Fixture f;
    f.variable = "from the environment";
    REQUIRE(f.parse({"os", "run"}));
    CHECK(f.seen.name == "from the environment");
    REQUIRE(f.parse({"os", "run", "--name", "given"}));
    CHECK(f.seen.name == "given");
  }

  TEST_CASE("what a command is described by adds up, a paragraph each")
  {
    Tree tree;
    const Leaf& leaf = tree.leaf("try", "Try").describe("One.").describe("Two.");
    CHECK(leaf.description() == "One.\n\nTwo.");
  }

  TEST_CASE("every mistake is wrong use")
  {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"nosuch"},
                                               {"os", "nosuch"},
                                               {"os", "run", "--nosuch"},
                                               {"os", "run", "--name"},
                                               {"os", "run", "--name", "a", "--name", "b"},
                                               {"os", "run", "--tee", "gold"},
                                               {"os", "run", "--size", "big"},
                                               {"os", "run", "--follow=maybe"},
                                               {"--nosuch", "os", "run"}}) {
      Fixture f;
      CAPTURE(words.back());
      CHECK(code_of(f.parse(words)) == Errc::usage);
    }
  }

  TEST_CASE("a group alone is misuse, with --help it is help")
  {
    Fixture f;
    CHECK(f.parse({"os"})->kind == Request::Kind::misused);
    CHECK(f.parse({"os", "--help"})->kind == Request::Kind::help);
    CHECK(f.parse({"os", "run", "-h"})->leaf == f.tree.find({"os", "run"}));
    CHECK(f.parse({})->kind == Request::Kind::misused);
  }

  TEST_CASE("a group within a group has commands of three words")
  {
    Fixture f;
    const auto request = f.parse({"os", "disk", "show", "run", "disk"});
    REQUIRE(request);
    CHECK(request->leaf->title() == "os disk show");
    CHECK(request->group == "os disk");
    CHECK(f.seen.rest == std::vector<std::string>{"run", "disk"});
    CHECK(f.parse({"os", "disk"})->kind == Request::Kind::misused);
    CHECK(f.parse({"os", "disk"})->group == "os disk");
    CHECK(f.parse({"os", "disk", "--help"})->kind == Request::Kind::help);
    CHECK(f.parse({"os", "disk", "--help"})->group == "os disk");
    CHECK(f.parse({"os", "--help", "disk"})->group == "os");
    CHECK(f.parse({"os", "disk", "show", "-h"})->leaf == f.tree.find({"os", "disk", "show"}));
    CHECK(f.parse({"os", "disk", "shwo"}).error().message().find("'dstack os disk show'") !=
          std::string::npos);
    CHECK(code_of(f.parse({"os", "disk", ""})) == Errc::usage);
    CHECK(code_of(f.parse({"disk", "show"})) == Errc::usage);
    CHECK(code_of(f.parse({"os disk", "show"})) == Errc::usage);
    const auto words = f.tree.words("os");
    REQUIRE(words.size() == 2);
    CHECK(words[1].word == "disk");
    CHECK(f.tree.words("os disk").size() == 1);
    CHECK(f.tree.words("").size() == 1);
  }
}

TEST_SUITE("cli::parse_port_spec")
{
  TEST_CASE("each part may be left out from the left")
  {
    const auto all = parse_port_spec("udp:0.0.0.0:53:5353");
    REQUIRE(all);
    CHECK(all->protocol == dstack::vm::Protocol::udp);
    CHECK(all->address == "0.0.0.0");
    CHECK(all->host_port == 53);
    CHECK(all->vm_port == 5353);
    const auto two = parse_port_spec("80:8080");
    REQUIRE(two);
    CHECK(two->address == "127.0.0.1");
    CHECK(two->host_port == 80);
    for (const char* free : {"8080", "auto:8080", ":8080", "0:8080", "tcp:auto:8080"}) {
      CAPTURE(free);
      const auto spec = parse_port_spec(free);
      REQUIRE(spec);
      CHECK_FALSE(spec->host_port);
      CHECK(spec->vm_port == 8080);
    }
    CHECK(parse_port_spec("tcp:[::1]:80:8080")->address == "::1");
  }

  TEST_CASE("nonsense is wrong use")
  {
    for (const char* bad :
         {"", "0", "65536", "a:1", "tcp:1:2:3:4", "x:1:2", "tcp:host:1:2", "1:"}) {
      CAPTURE(bad);
      const auto spec = parse_port_spec(bad);
      CHECK_FALSE(spec);
    }
  }
}

TEST_SUITE("cli::as_seen_by_guest")
{
  TEST_CASE("the host's loopback gets the address the guest knows it by; names stay")
  {
    CHECK(as_seen_by_guest("http://127.0.0.1:5000") == "http://10.0.2.2:5000");
    CHECK(as_seen_by_guest("http://localhost:5000/x") == "http://10.0.2.2:5000/x");
    CHECK(as_seen_by_guest("localhost:5000") == "10.0.2.2:5000");
    CHECK(as_seen_by_guest("https://127.0.0.1.example") == "https://127.0.0.1.example");
    CHECK(as_seen_by_guest("localhost.example:1") == "localhost.example:1");
    CHECK(as_seen_by_guest("https://mirror.example") == "https://mirror.example");
    CHECK(as_seen_by_guest("http://notlocalhost:1") == "http://notlocalhost:1");
  }
}

TEST_SUITE("cli::Tree")
{
  TEST_CASE("every command has a summary, an example, an action, and unique option names")
  {
    Tree tree;
    add_commands(tree);
    for (const auto& leaf : tree.leaves()) {
      CAPTURE(leaf->title());
      CHECK_FALSE(leaf->summary().empty());
      CHECK(leaf->action());
      CHECK((leaf->hidden() || !leaf->examples().empty()));
      Globals globals;
      const auto common = global_options(globals);
      std::vector<std::string> names;
      for (const auto& option : leaf->options())
        names.insert(names.end(), option->names().begin(), option->names().end());
      for (const auto& option : common)
        names.insert(names.end(), option->names().begin(), option->names().end());
      std::sort(names.begin(), names.end());
      CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
    }
  }
}

TEST_SUITE("cli::Table")
{
  TEST_CASE("columns align by characters, not bytes, and lines end without blanks")
  {
    Table table{{"A", "B"}};
    table.row({"dé", "x"});
    table.row({"abc", ""});
    CHECK(table.text() == "A    B\ndé   x\nabc\n");
  }

  TEST_CASE("paragraphs wrap, indented lines stay")
  {
    CHECK(wrap("one two three\n\n  kept   as it is", 0, 8) ==
          "one two\nthree\n\n  kept   as it is\n");
  }
}

TEST_SUITE("cli::boot_options")
{
  TEST_CASE("an update from a compose file keeps an app's settings, or says which it cannot keep")
  {
    dstack::compose::AppCompose before;
    before.key_provider = dstack::compose::KeyProvider::local;
    dstack::compose::BuildOptions build;
    REQUIRE(fill_boot_options({}, &before, build));
    CHECK(build.key_provider == dstack::compose::KeyProvider::local);
    before.requirements.emplace().launch_token_hash.emplace();
    CHECK(fill_boot_options({}, &before, build));
    before.requirements->os_version = ">=0.6";
    CHECK(fill_boot_options({}, &before, build).error().message().find("has requirements,") !=
          std::string::npos);
  }

  TEST_CASE("an update keeps the key provider that the app names, or is refused")
  {
    using dstack::compose::KeyProvider;
    dstack::compose::AppCompose before;
    before.key_provider = KeyProvider::kms;
    before.key_provider_id = dstack::Bytes(91, 1);
    before.allowed_envs = {"B"};
    dstack::compose::BuildOptions build;
    REQUIRE(fill_boot_options({}, &before, build));
    CHECK(build.key_provider_id == before.key_provider_id);
    CHECK(build.allowed_envs == before.allowed_envs);
    BootOptions same;
    same.key_provider = "kms";
    same.kms_root = dstack::hex(before.key_provider_id);
    same.allow_envs = {"C,A", "A"};
    REQUIRE(fill_boot_options(same, &before, build));
    CHECK(build.allowed_envs == std::vector<std::string>{"A", "C"});
    BootOptions other = same;
    other.kms_root = dstack::hex(dstack::Bytes(91, 2));
    CHECK(fill_boot_options(other, &before, build).error().message().find("another VM") !=
          std::string::npos);
    for (const char* name : {"none", "local"}) {
      BootOptions dropped;
      dropped.key_provider = name;
      CHECK_FALSE(fill_boot_options(dropped, &before, build));
    }
  }

  TEST_CASE("a KMS root is given as its key or its certificate, for apps of a KMS")
  {
    CHECK(*read_kms_root(std::string(182, 'a')) == dstack::Bytes(91, 0xaa));
    for (const char* bad : {"", "aa", "nosuch", "/dev/null"})
      CHECK_FALSE(read_kms_root(bad));
    BootOptions options;
    options.kms_root = std::string(182, 'a');
    dstack::compose::BuildOptions build;
    CHECK(fill_boot_options(options, nullptr, build).error().message() ==
          "--kms-root is for --key-provider kms");
    options.allow_envs = {"9x"};
    options.key_provider = "kms";
    CHECK_FALSE(fill_boot_options(options, nullptr, build));
  }
}
