#include "kms/settings.hpp"

#include "kms/policy.hpp"
#include "kms/policy_review.hpp"

#include <doctest/doctest.h>

namespace dstack::kms {

namespace {

std::string refusal(std::string_view text)
{
  const auto read = settings_from_toml(text, "kms.toml");
  REQUIRE_FALSE(read);
  CHECK((read.error().code() == Errc::config || read.error().code() == Errc::malformed));
  return read.error().message();
}

} // namespace

TEST_SUITE("kms::settings")
{
  TEST_CASE("an empty file gives the defaults, and the file of a new KMS says them all")
  {
    CHECK(*settings_from_toml("", "kms.toml") == Settings{});
    const auto again = settings_from_toml(settings_text({}), "kms.toml");
    REQUIRE_MESSAGE(again, again.error().message());
    CHECK(*again == Settings{});
  }

  TEST_CASE("every setting is read, and written so that it is read again")
  {
    Settings s;
    s.development = true;
    s.listen = {"::1", 9000};
    s.domains = {"kms.example.com", "10.0.0.7"};
    s.agent = "unix:/tmp/with \"quotes\" and \\.sock";
    s.policy_file = "/etc/p.toml";
    s.audit_file = "a.jsonl";
    s.admin_socket = "s";
    s.metrics = false;
    s.release_sev_snp = true;
    s.self_authorization = false;
    s.attest_rpc_certificate = false;
    s.self_refresh = std::chrono::milliseconds{60'000};
    s.passphrase_file = "secret";
    s.custodian_peers = {{"https://a:1", "a"}, {"https://b:2", "b"}};
    s.collateral = {"https://pccs", "https://kds", "kept", true, "tee"};
    s.limits = {1, 2, 3, 4, 5, std::chrono::milliseconds{250}};
    const auto read = settings_from_toml(settings_text(s), "kms.toml");
    REQUIRE_MESSAGE(read, read.error().message());
    CHECK(*read == s);
  }

  TEST_CASE("what is not understood is refused with its line")
  {
    CHECK(refusal("\nlissten = \"x\"") ==
          "kms.toml: line 2: unknown key 'lissten'; did you mean 'listen'?");
    CHECK(refusal("[limits]\nworker = 3") ==
          "kms.toml: [limits]: line 2: unknown key 'worker'; did you mean 'workers'?");
    CHECK(refusal("[[custody.peer]]\nname = \"a\"").find("'url' is missing") != std::string::npos);
    CHECK(refusal("[[custody.peer]]\nname = \"a\"\nurl = \"http://a\"").find("https://") !=
          std::string::npos);
    CHECK(refusal("metrics = 1").find("line 1: 'metrics' is") != std::string::npos);
    CHECK(refusal("listen = \"localhost:1\"").find("line 1: 'localhost:1' is no address") !=
          std::string::npos);
    CHECK(refusal("domains = []").find("0 domains") != std::string::npos);
    CHECK(refusal("domains = [\"a b\"]").find("'a b' is no domain") != std::string::npos);
    CHECK(refusal("[limits]\nconnections = 0").find("want 1 to") != std::string::npos);
    CHECK(refusal("[limits]\nrequest = \"soon\"").find("duration") != std::string::npos);
    CHECK(refusal("self_refresh = \"0s\"").find("duration") != std::string::npos);
    CHECK(refusal("policy_file = \"\"").find("empty") != std::string::npos);
    CHECK(refusal("agent = \"a\\nb\"").find("one line") != std::string::npos);
    CHECK(refusal("[collateral]\npccs_url = \"ftp://x\"").find("http://") != std::string::npos);
    CHECK(refusal("provider = \"plain\"").find("unknown key") != std::string::npos);
    CHECK(refusal("x = ").find("line 1") != std::string::npos);
    CHECK(refusal(std::string(max_settings + 1, '\n')).find("limit") != std::string::npos);
  }

  TEST_CASE("trap 31: what weakens a KMS needs the word development")
  {
    for (const char* text : {"self_authorization = false", "attest_rpc_certificate = false",
                             "collateral.simulated_tee = \"tee\""}) {
      CHECK(refusal(text).find("for development only") != std::string::npos);
      CHECK(settings_from_toml(fmt::format("development = true\n{}", text), "kms.toml"));
    }
  }

  TEST_CASE("addresses to listen on")
  {
    for (const char* good : {"127.0.0.1:8000", "0.0.0.0:0", "[::1]:443", "[::]:65535"})
      CHECK(to_text(*parse_listen(good)) == good);
    for (const char* bad : {"", "8000", ":8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                            "::1:80", "[127.0.0.1]:80", "kms:80", "[::1]", "127.0.0.1:-1"})
      CHECK_MESSAGE(!parse_listen(bad), bad);
  }

  TEST_CASE("the policy of a new KMS grants nothing; only the development one takes simulated TEEs")
  {
    const auto production = policy_from_toml(policy_text(Arrangement::production), "policy.toml");
    REQUIRE_MESSAGE(production, production.error().message());
    CHECK_FALSE(production->evidence.simulated);
    CHECK(production->apps.empty());
    CHECK(production->images.empty());
    CHECK_FALSE(production->kms.mr_aggregated.any);
    for (const Warning& one : warnings_of(*production))
      CHECK_MESSAGE(one.text.find("no ") != std::string::npos, one.text);
    BootInfo caller;
    caller.tee_variant = "dstack-tdx";
    caller.app_id = Bytes(20, 1);
    caller.tcb_status = "UpToDate";
    CHECK_FALSE(decide(*production, Role::app, caller).allowed);
    CHECK_FALSE(decide(*production, Role::kms, caller).allowed);

    const std::string text = policy_text(Arrangement::development);
    CHECK(text.starts_with("# DEVELOPMENT POLICY"));
    const auto development = policy_from_toml(text, "policy.toml");
    REQUIRE_MESSAGE(development, development.error().message());
    CHECK(development->evidence.simulated);
    CHECK(development->apps.empty());
    CHECK_FALSE(decide(*development, Role::app, caller).allowed);
  }
}

} // namespace dstack::kms
