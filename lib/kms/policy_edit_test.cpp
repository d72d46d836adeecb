#include "kms/policy_edit.hpp"

#include "base/text.hpp"
#include "kms/policy_review.hpp"
#include "kms/test_result.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::kms;
using test::why;

namespace {

const std::string a1 = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const std::string a2 = "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2";
std::string hash(char c)
{
  return std::string(64, c);
}
std::string measurement(char c)
{
  return std::string(96, c);
}

std::string edited(const Result<Edited>& result)
{
  if (!result) FAIL(result.error().message());
  return result->text;
}

AppAddition app(const std::string& id, std::vector<std::string> compose)
{
  AppAddition out;
  out.id = id;
  out.name = "shop";
  out.compose = std::move(compose);
  return out;
}

bool says(const std::vector<Warning>& all, std::string_view text)
{
  return std::any_of(all.begin(), all.end(),
                     [&](const Warning& one) { return one.text.find(text) != std::string::npos; });
}

std::vector<Warning> warnings(const std::string& toml)
{
  return warnings_of(*policy_from_toml(toml, "p"));
}

std::vector<std::string> lines(const std::string& before, const std::string& after)
{
  std::vector<std::string> out;
  for (const PolicyChange& one :
       changes_between(*policy_from_toml(before, "a"), *policy_from_toml(after, "b")))
    out.push_back(fmt::format("{} {}", name_of(one.effect), to_line(one)));
  return out;
}

} // namespace

TEST_SUITE("kms::add_app")
{
  TEST_CASE("a new app is appended, and the rest stays byte for byte")
  {
    const std::string before = "# mine\n[evidence]\nsimulated = true # dev\n";
    AppAddition one = app(a1, {hash('C')});
    one.epoch = 3;
    const std::string after = edited(add_app(before, one, "p"));
    CHECK(after == before + "\n[[app]]\nid = \"" + a1 + "\"\nname = \"shop\"\ncompose = [\"" +
                       hash('c') + "\"]\nepoch = 3\n");
    CHECK(edited(add_app("", app(a1, {}), "p")).starts_with("[[app]]\nid"));
    CHECK(edited(add_app("rules = \"file\"", app(a1, {}), "p"))
              .starts_with("rules = \"file\"\n\n[[app]]"));
  }

  TEST_CASE("a compose hash joins those of its app, comments stay where they are")
  {
    const auto file = [](std::string_view list) {
      return fmt::format("# head\n[[app]]\n  id = \"{}\" # é shop\n  compose = {}\n[[app]]\nid = "
                         "\"{}\"\ncompose = [] # none\n",
                         lower(a1), list, a2);
    };
    const auto add = [&](std::string_view list) {
      return edited(add_app(file(list), app(a1, {hash('d')}), "p"));
    };
    const std::string c = "\"" + hash('c') + "\"";
    const std::string d = "\"" + hash('d') + "\"";
    CHECK(add("[]") == file("[" + d + "]"));
    CHECK(add("[" + c + "] # v1") == file("[" + d + ", " + c + "] # v1"));
    CHECK(add("[" + c + ", # v1\n]") == file("[" + d + ", " + c + ", # v1\n]"));
    CHECK(add("[\n    " + c + " # v1\n  ]") == file("[\n    " + d + ",\n    " + c + " # v1\n  ]"));
    CHECK(add("[ # all\n    " + c + ",\n  ]") ==
          file("[ # all\n    " + d + ",\n    " + c + ",\n  ]"));
    CHECK(add("[\n]") == file("[\n  " + d + ",\n]"));
    CHECK(edited(add_app(file("[" + c + "]"), app(a2, {hash('d')}), "p")) == [&] {
      std::string text = file("[" + c + "]");
      return text.replace(text.rfind("[]"), 2, "[" + d + "]");
    }());
  }

  TEST_CASE("what is there already changes nothing; name and epoch stay")
  {
    const std::string text =
        "[[app]]\nid = \"" + a1 + "\"\ncompose = [\"" + hash('C') + "\"]\nepoch = 1\n";
    AppAddition one = app(a1, {hash('c')});
    one.epoch = 2;
    const auto same = add_app(text, one, "p");
    REQUIRE(same);
    CHECK_FALSE(same->changed);
    CHECK(same->text == text);
    one.compose = {hash('c'), hash('d'), hash('D')};
    const std::string after = edited(add_app(text, one, "p"));
    const Policy policy = *policy_from_toml(after, "p");
    CHECK(policy.apps.at(0).epoch == 1);
    CHECK(policy.apps.at(0).compose == std::vector<std::string>{hash('d'), hash('c')});
  }

  TEST_CASE("files written in other ways are edited right or not at all")
  {
    const std::string line = "app = [{ id = \"" + a1 + "\", compose = [\"" + hash('c') + "\"] }]\n";
    CHECK(policy_from_toml(edited(add_app(line, app(a1, {hash('d')}), "p")), "p")
              ->apps.at(0)
              .compose.size() == 2);
    CHECK(why(add_app(line, app(a2, {}), "p")).find("add it by hand") != std::string::npos);
    const std::string windows = "[[app]]\r\nid = \"" + a1 + "\"\r\ncompose = [\r\n]\r\n";
    CHECK(policy_from_toml(edited(add_app(windows, app(a1, {hash('d')}), "p")), "p"));
    CHECK(why(add_app("[[app]\n", app(a1, {}), "p")).find("policy p: line 1") != std::string::npos);
    CHECK(why(add_app("", app("00", {}), "p")) == "app id '00' is not 20 bytes of hex");
    CHECK(why(add_app("", app(a1, {"zz"}), "p")) == "compose hash 'zz' is not 32 bytes of hex");
  }

  TEST_CASE("the gateway's app is named once, above all tables, and never exchanged")
  {
    const std::string before = "# mine\nrules = \"file\"\n[evidence]\nsimulated = true\n";
    const std::string line = "gateway_app_id = \"" + a1 + "\"\n";
    const std::string after = edited(set_gateway(before, a1, "p"));
    CHECK(after == "# mine\nrules = \"file\"\n" + line + "[evidence]\nsimulated = true\n");
    CHECK_FALSE(set_gateway(after, a1, "p")->changed);
    CHECK(set_gateway(after, std::string(40, 'b'), "p").error().code() == Errc::denied);
    CHECK(edited(set_gateway("gateway_app_id = \"\" # none yet\n", a1, "p")) ==
          "gateway_app_id = \"" + a1 + "\" # none yet\n");
    CHECK(edited(set_gateway("", a1, "p")) == line);
    CHECK(edited(set_gateway("# x\n[[app]]\nid = \"" + a1 + "\"\ncompose = []\n", a1, "p"))
              .starts_with("# x\n" + line));
    CHECK_FALSE(set_gateway("", "zz", "p"));
  }
}

TEST_SUITE("kms::add_image")
{
  ImageRule image(std::vector<std::pair<std::string, std::vector<std::string>>> registers)
  {
    ImageRule out;
    out.name = "dstack-0.6.0";
    out.hash = hash('f');
    out.registers = std::move(registers);
    return out;
  }

  TEST_CASE("a new image is appended; an image that is there gets what it lacks")
  {
    const std::string first =
        edited(add_image("", image({{"mrtd", {measurement('1'), measurement('2')}}}), "p"));
    CHECK(first == "[[image]]\nname = \"dstack-0.6.0\"\nhash = \"" + hash('f') + "\"\nmrtd = [\"" +
                       measurement('1') + "\", \"" + measurement('2') + "\"]\n");
    const std::string second =
        edited(add_image(first,
                         image({{"mrtd", {measurement('2'), measurement('3')}},
                                {"rtmr0", {measurement('0')}},
                                {"rtmr2", {measurement('4')}}}),
                         "p"));
    const Policy policy = *policy_from_toml(second, "p");
    CHECK(policy.images.size() == 1);
    CHECK(policy.images.at(0).registers.size() == 3);
    CHECK(policy.images.at(0).registers.at(0).second.size() == 3);
    CHECK_FALSE(add_image(second, image({{"rtmr2", {measurement('4')}}}), "p")->changed);
    // A new register stands below the hash, also at the end of a file without its last line feed.
    const std::string bare = "[[image]]\nhash = \"" + hash('f') + "\"";
    CHECK(edited(add_image(bare, image({{"rtmr1", {measurement('1')}}}), "p")) ==
          bare + "\nrtmr1 = [\"" + measurement('1') + "\"]\n");
    CHECK(why(add_image("", image({{"mrtd", {"00"}}}), "p")) == "mrtd '00' is not 48 bytes of hex");
    CHECK(why(add_image("", image({{"rtmr7", {measurement('1')}}}), "p")).find("by hand") !=
          std::string::npos);
  }
}

TEST_SUITE("kms::add_kms")
{
  TEST_CASE("systems and devices join [kms], which is made when it is not there")
  {
    KmsRules wanted;
    wanted.mr_aggregated.values = {hash('e')};
    wanted.devices.values = {hash('d')};
    const std::string fresh = edited(add_kms("# x\n", wanted, "p"));
    CHECK(fresh == "# x\n\n[kms]\nmr_aggregated = [\"" + hash('e') + "\"]\ndevices = [\"" +
                       hash('d') + "\"]\n");
    CHECK_FALSE(add_kms(fresh, wanted, "p")->changed);
    const std::string any = "[kms]\ndevices = \"any\"\n";
    CHECK(edited(add_kms(any, wanted, "p")) ==
          "[kms]\nmr_aggregated = [\"" + hash('e') + "\"]\ndevices = \"any\"\n");
    CHECK_FALSE(add_kms("# x\n", {}, "p")->changed);
  }
}

TEST_SUITE("kms::changes_between")
{
  TEST_CASE("each change is a line that says whether it lets more through")
  {
    const std::string before = fmt::format(R"(
[evidence]
tcb = ["UpToDate"]
[[image]]
hash = "{}"
mrtd = ["{}"]
[kms]
mr_aggregated = ["{}"]
[[app]]
id = "{}"
name = "shop"
compose = ["{}"]
)",
                                           hash('f'), measurement('1'), hash('e'), a1, hash('c'));
    CHECK(lines(before, before).empty());
    CHECK(lines("", before) ==
          std::vector<std::string>{"wider + kms.mr_aggregated: " + hash('e'),
                                   "wider + image " + hash('f'), "wider + app " + a1 + " (shop)",
                                   "wider + app " + a1 + " (shop): compose: " + hash('c')});
    CHECK(lines(before, "").size() == 3);
    const auto changed = [&](std::string_view from, std::string_view to) {
      std::string after = before;
      after.replace(after.find(from), from.size(), to);
      return lines(before, after);
    };
    CHECK(changed("\"UpToDate\"", "\"OutOfDate\"") ==
          std::vector<std::string>{"tighter - evidence.tcb: UpToDate",
                                   "wider + evidence.tcb: OutOfDate"});
    CHECK(changed("tcb", "simulated = true\ntcb") ==
          std::vector<std::string>{"wider ~ evidence.simulated: false -> true"});
    CHECK(changed("[\"" + hash('e') + "\"]", "\"any\"") ==
          std::vector<std::string>{"wider ~ kms.mr_aggregated: [" + hash('e') + "] -> any"});
    CHECK(
        changed("mrtd", "rtmr0 = [\"" + measurement('0') + "\"]\nmrtd") ==
        std::vector<std::string>{"tighter + image " + hash('f') + ": rtmr0: " + measurement('0')});
    CHECK(changed("name = \"shop\"", "epoch = 1\ndevices = []") ==
          std::vector<std::string>{"other - app " + a1 + ": name: shop",
                                   "tighter ~ app " + a1 + ": devices: any -> []",
                                   "other ~ app " + a1 + ": epoch: 0 -> 1"});
    CHECK(changed("[evidence]", "retired_epochs = [1]\n[evidence]") ==
          std::vector<std::string>{"tighter + retired_epochs: 1"});
  }

  TEST_CASE("a webhook's address is shown without its password, a new password still is a change")
  {
    const auto hook = [](std::string_view url) {
      return fmt::format("webhook = {{ url = \"{}\" }}", url);
    };
    const auto out = lines(hook("http://u:old@h/"), hook("http://u:new@h/"));
    CHECK(out == std::vector<std::string>{"other ~ webhook.url: http://***@h/ -> http://***@h/"});
    CHECK(lines("", hook("http://h")).size() == 3);
  }

  TEST_CASE("another contract, chain or node is a change; of the node only the host is shown")
  {
    const auto chain = [](std::string_view rpc, std::string_view byte, unsigned id) {
      std::string address;
      while (address.size() < 40)
        address += byte;
      return fmt::format("chain = {{ rpc = \"{}\", contract = \"0x{}\", chain_id = {} }}", rpc,
                         address, id);
    };
    const std::string before = chain("https://h/OLD", "d3", 1);
    CHECK(lines(before, chain("https://h/NEW", "d3", 2)) ==
          std::vector<std::string>{"other ~ chain.rpc: https://h -> https://h",
                                   "other ~ chain.chain_id: 1 -> 2"});
    CHECK(lines(before, chain("https://h/OLD", "d4", 1)).size() == 1);
    CHECK(lines("", before).size() == 6);
    CHECK(lines(before, "").size() == 6);
  }
}

TEST_SUITE("kms::warnings_of")
{
  TEST_CASE("what is wide or has no effect is said with its line")
  {
    CHECK(says(warnings(""), "no key is given to anybody"));
    CHECK(says(warnings("[evidence]\nsimulated = true"), "development"));
    CHECK(says(warnings("[evidence]\ntcb = [\"OutOfDate\"]"), "accepts OutOfDate"));
    CHECK(says(warnings("[evidence]\ntcb = [\"*\"]"), "accepts anything"));
    CHECK(says(warnings("[evidence]\nadvisories = [\"*\"]"), "any advisory"));
    CHECK(says(warnings("[kms]\nmr_aggregated = \"any\""), "root keys"));
    CHECK(says(warnings("gateway_app_id = \"any\""), "any gateway"));
    CHECK(
        says(warnings("webhook = { url = \"http://u:pw@auth:1\" }"), "http://***@auth:1 is asked"));
    for (const char* here : {"127.0.0.1:1", "localhost", "[::1]:1/x", "u:pw@localhost:1/"})
      CHECK_FALSE(
          says(warnings(fmt::format("webhook = {{ url = \"http://{}\" }}", here)), "without TLS"));
    for (const char* there : {"127.evil.com", "localhost.evil.com:1", "127.0.0.1@evil.com/",
                              "[2001:db8::1]:1", "localhost:1@evil.com"})
      CHECK(
          says(warnings(fmt::format("webhook = {{ url = \"http://{}\" }}", there)), "without TLS"));
    CHECK_FALSE(says(warnings("webhook = { url = \"https://auth:1\" }"), "without TLS"));
    const auto chain = [](std::string_view rpc) {
      return warnings(
          fmt::format("rules = \"chain\"\nchain = {{ rpc = \"{}\", contract = \"0x{}\", "
                      "chain_id = 1 }}\n[[app]]\nid = \"{}\"\ncompose = []",
                      rpc, a1, a1));
    };
    CHECK(says(chain("http://u:pw@node/KEY"), "chain http://node is asked without TLS"));
    CHECK_FALSE(says(chain("http://localhost:8545"), "without TLS"));
    CHECK_FALSE(says(chain("https://node/KEY"), "without TLS"));
    CHECK(says(chain("https://node"), "the contract decides alone"));
    CHECK_FALSE(says(chain("https://node"), "[kms] lists no"));
    const auto bare = warnings("\n[[image]]\nhash = \"" + hash('f') + "\"\nmrtd = []");
    CHECK(says(bare, "states no mrtd, rtmr1, rtmr2: it cannot be checked"));
    CHECK(std::any_of(bare.begin(), bare.end(), [](const Warning& one) { return one.line == 2; }));
    const std::string app = "[[app]]\nid = \"" + a1 + "\"\ncompose = []\n";
    CHECK(says(warnings(app), "no version of it"));
    CHECK(says(warnings("retired_epochs = [0]\n" + app), "is retired"));
  }

  TEST_CASE("trap 23: empty device lists are warned about, and so is any")
  {
    const std::string app = "[[app]]\nid = \"" + a1 + "\"\ncompose = []\n";
    CHECK(says(warnings(app + "devices = []"), "an empty list allows none"));
    CHECK(says(warnings("[kms]\nmr_aggregated = [\"" + hash('e') + "\"]\ndevices = []"),
               "an empty list allows none"));
    CHECK(says(warnings("[kms]\nmr_aggregated = [\"" + hash('e') + "\"]\ndevices = \"any\""),
               "anybody's hardware"));
  }
}
