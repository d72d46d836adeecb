#include "kms/test_policy.hpp"

using namespace dstack;
using namespace dstack::kms;
using namespace dstack::kms::test;

namespace {

std::string policy_error(std::string_view toml)
{
  const auto out = policy_from_toml(toml, "p.toml");
  return out ? "accepted" : out.error().message();
}

} // namespace

TEST_SUITE("kms::policy_from_toml")
{
  TEST_CASE("a policy reads as it was meant; hex in either case")
  {
    const Policy p = policy();
    CHECK(p.gateway_app_id == of("99", 20));
    CHECK(p.rules == Rules::file);
    CHECK(p.apps.at(0).id == of("a1", 20));
    CHECK(p.apps.at(0).compose.at(0) == of("c1", 32));
    CHECK(p.apps.at(0).devices.any);
    CHECK(p.apps.at(0).epoch == 2);
    CHECK(p.find_image(of("f1", 32))->registers.size() == 3);
    CHECK_FALSE(p.evidence.simulated);
  }

  TEST_CASE("what a policy cannot mean is refused with file and line")
  {
    CHECK(policy_error("\n[evidense]\n") ==
          "policy p.toml: line 2: unknown key 'evidense'; did you mean 'evidence'?");
    CHECK(policy_error("[evidence]\ntcbs = []\n") ==
          "policy p.toml: [evidence]: line 2: unknown key 'tcbs'; did you mean 'tcb'?");
    CHECK(policy_error("[evidence]\ntcb = [\"Revoked\"]")
              .find("line 2: 'Revoked' is not a TCB status") != std::string::npos);
    CHECK(policy_error("[evidence]\ntee = [\"dstack-aws-nitro-tpm\"]").find("can be verified") !=
          std::string::npos);
    CHECK(policy_error("[evidence]\nsimulated = 1")
              .find("line 2: 'evidence.simulated' is an integer") != std::string::npos);
    CHECK(policy_error("[app]\nid = 1")
              .find("line 1: 'app' is a table (want tables, each [[app]])") != std::string::npos);
    CHECK(policy_error("\n[[app]]\ncompose = []") ==
          "policy p.toml: [[app]]: line 2: 'id' is missing");
    CHECK(policy_error("[[image]]\nname = 'x'").find("'hash' is missing") != std::string::npos);
    CHECK(policy_error("retired_epochs = [4294967296]").find("at most 4294967295") !=
          std::string::npos);
    CHECK(policy_error("retired_epochs = 1").find("a list of numbers") != std::string::npos);
    CHECK(policy_error("[kms]\ndevices = \"all\"").find("or \"any\"") != std::string::npos);
    CHECK(policy_error("rules = \"contract\"").find("want file, webhook, chain or both") !=
          std::string::npos);
    CHECK(policy_error("gateway_app_id = \"x\"").find("20 bytes of hex") != std::string::npos);
    CHECK(policy_error("a = ").find("line 1, column") != std::string::npos);
    CHECK(policy_from_toml(std::string(max_policy + 1, '\n'), "p").error().code() ==
          Errc::malformed);
  }

  TEST_CASE("trap 24: hashes and ids of another length are errors, never padded")
  {
    for (const std::size_t size : {0U, 19U, 21U, 31U, 33U}) {
      CAPTURE(size);
      const std::string value = of("ab", size);
      CHECK(policy_error(fmt::format("[[app]]\nid = \"{}\"\ncompose = []", value))
                .find("20 bytes of hex") != std::string::npos);
      CHECK(policy_error(
                fmt::format("[[app]]\nid = \"{}\"\ncompose = [\n\"{}\"]", of("a1", 20), value))
                .find("line 4: 'app.compose'") != std::string::npos);
      CHECK(policy_error(fmt::format("[kms]\nmr_aggregated = [\"{}\"]", value))
                .find("32 bytes of hex") != std::string::npos);
      CHECK(policy_error(fmt::format("[[image]]\nhash = \"{}\"", value)).find("32 bytes of hex") !=
            std::string::npos);
      CHECK(policy_error(
                fmt::format("[[image]]\nhash = \"{}\"\nmrtd = [\"{}\"]", of("f1", 32), value))
                .find("48 bytes of hex") != std::string::npos);
    }
    CHECK(policy_error("[[app]]\nid = \"0x" + of("a1", 20) + "\"\ncompose = []")
              .find("20 bytes of hex") != std::string::npos);
  }

  TEST_CASE("nothing is named twice")
  {
    CHECK(policy_error(text() + "[[app]]\nid = \"" + of("a1", 20) + "\"\ncompose = []\n")
              .find("the app is already named in line 19") != std::string::npos);
    CHECK(policy_error(text() + "[[image]]\nhash = \"" + of("F1", 32) + "\"\n")
              .find("the image is already named in line 8") != std::string::npos);
  }

  TEST_CASE("a webhook in the file must agree too, unless the file says it decides alone")
  {
    const std::string hook = "webhook = { url = \"http://127.0.0.1:8001\" }\n";
    CHECK(policy(hook).rules == Rules::both);
    CHECK(policy(hook).webhook->timeout_ms == 5000);
    CHECK(policy("rules = \"webhook\"\n" + hook).rules == Rules::webhook);
    CHECK(policy_error("rules = \"webhook\"").find("there is no webhook") != std::string::npos);
    CHECK(policy_error("rules = \"both\"").find("there is no webhook") != std::string::npos);
    CHECK(policy_error("rules = \"file\"\n" + hook).find("never be asked") != std::string::npos);
    CHECK(policy_error("[webhook]\nurl = \"http://a\"\ntimeout_ms = 0").find("want 1 to") !=
          std::string::npos);
    CHECK(policy_error("[webhook]\n").find("'url' is missing") != std::string::npos);
    for (const char* bad :
         {"", "auth:8000", "file:///etc/passwd", "http://a b", "ftp://SECRET@a"}) {
      CAPTURE(bad);
      const std::string said = policy_error(fmt::format("[webhook]\nurl = \"{}\"", bad));
      CHECK(said.find("line 2: 'webhook.url' is no http://") != std::string::npos);
      CHECK(said.find("SECRET") == std::string::npos);
    }
  }

  TEST_CASE("a contract in the file must agree too, unless the file says it decides alone")
  {
    const std::string chain = fmt::format(
        "[chain]\nrpc = \"http://127.0.0.1:8545\"\ncontract = \"0x{}\"\nchain_id = 8453\n",
        of("D3", 20));
    const Policy both = policy(chain);
    CHECK(both.rules == Rules::both);
    CHECK(both.chain->contract == "0x" + of("d3", 20));
    CHECK(both.chain->chain_id == 8453);
    CHECK(both.chain->confirmations == 0);
    CHECK(both.chain->timeout_ms == 5000);
    CHECK(policy("rules = \"both\"\n" + chain).lists_decide());
    const Policy alone = policy("rules = \"chain\"\n" + chain + "confirmations = 12\n");
    CHECK(alone.rules == Rules::chain);
    CHECK_FALSE(alone.lists_decide());
    CHECK(alone.chain->confirmations == 12);
    CHECK(alone.evidence == EvidenceRules{}); // contracts need not look at these
    CHECK(policy_error("rules = \"chain\"").find("there is no chain") != std::string::npos);
    CHECK(policy_error("rules = \"webhook\"\n" + chain).find("there is no webhook") !=
          std::string::npos);
    CHECK(policy_error("rules = \"file\"\n" + chain).find("the contract would never be asked") !=
          std::string::npos);
    CHECK(policy_error("webhook = { url = \"http://a\" }\n" + chain)
              .find("line 2: there is a webhook") != std::string::npos);
    const auto without = [&](std::string_view key) {
      const auto at = chain.find(key);
      return policy_error(std::string{chain}.erase(at, chain.find('\n', at) - at));
    };
    for (const char* key : {"rpc", "contract", "chain_id"})
      CHECK(without(key).find(fmt::format("'{}' is missing", key)) != std::string::npos);
    const auto with_contract = [&](std::string_view value) {
      return policy_error(std::string{chain}.replace(chain.find("0x"), 42, value));
    };
    for (const std::string& bad : {std::string{}, of("d3", 20), "0x" + of("d3", 19),
                                   "0x" + of("d3", 21), "0x" + of("g0", 20), "0x0" + of("d3", 20)})
      CHECK(with_contract(bad).find("want 0x and 40 hex digits") != std::string::npos);
    CHECK(policy_error(chain + "timeout_ms = 0").find("want 1 to") != std::string::npos);
    CHECK(policy_error(chain + "confirmations = -1") != "accepted");
    CHECK(policy_error("[chain]\nrpc = \"SECRET@h\"") ==
          "policy p.toml: chain: line 2: 'chain.rpc' is no http:// or https:// address of at most "
          "2048 plain characters");
  }
}
