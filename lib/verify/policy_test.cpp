#include "verify/policy.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::verify;

namespace {

std::string why(std::string_view text)
{
  const auto policy = policy_from_toml(text, "p.toml");
  return policy ? "accepted" : policy.error().message();
}

} // namespace

TEST_CASE("a policy starts from a built-in and reads back as it was written")
{
  const auto policy = policy_from_toml(R"(base = "permissive"
allow_simulated = true
[tcb]
grace_days = 30
min_evaluation_number = 17
[advisories]
refuse = ["INTEL-SA-00837"]
[freshness]
max_collateral_age_days = 7
[app]
app_ids = ["86E59625be93207bc2351c4d1bba20037cec8e16"]
key_providers = ["kms:00ff", "none"]
[registers]
mrseam = []
)",
                                       "p.toml");
  REQUIRE(policy);
  CHECK(policy->name == "p.toml");
  CHECK(policy->tcb_statuses == permissive_policy().tcb_statuses);
  CHECK(policy->grace_days == 30);
  CHECK(policy->app_ids == std::vector<std::string>{"86e59625be93207bc2351c4d1bba20037cec8e16"});
  CHECK(policy->max_collateral_age_days == 7);
  const auto again = policy_from_toml(to_toml(*policy), "p.toml");
  REQUIRE(again);
  CHECK(to_toml(*again) == to_toml(*policy));
  CHECK(again->accepted_attributes == policy->accepted_attributes);
  CHECK(again->registers == policy->registers);
}

TEST_CASE("an empty policy is the strict one")
{
  const auto policy = policy_from_toml("", "p");
  REQUIRE(policy);
  CHECK(policy->tcb_statuses == strict_policy().tcb_statuses);
  CHECK(policy->accepted_attributes.empty());
  CHECK_FALSE(policy->allow_simulated);
}

TEST_CASE("what a policy cannot mean is refused with its line")
{
  CHECK(why("[tcb]\nacept = []") ==
        "policy p.toml: [tcb]: line 2: unknown key 'acept'; did you mean 'accept'?");
  CHECK(why("[tbc]\naccept = []") == "policy p.toml: line 1: unknown section 'tbc'");
  CHECK(why("[tcb]\naccept = [\"Revoked\"]") ==
        "policy p.toml: [tcb]: line 2: unknown name 'Revoked'");
  CHECK(why("[tcb]\naccept = \"UpToDate\"") ==
        "policy p.toml: [tcb]: line 2: 'tcb.accept' is a string (want a list of strings)");
  CHECK(why("[tcb]\ngrace_days = -1").find("zero or more") != std::string::npos);
  CHECK(why("[app]\napp_ids = [\"00\"]").find("20 bytes of hex") != std::string::npos);
  CHECK(why("[registers]\nrtmr4 = []") ==
        "policy p.toml: [registers]: line 2: no register 'rtmr4'");
  CHECK(why("base = \"none\"").find("\"strict\" or \"permissive\"") != std::string::npos);
  CHECK(why("allow_simulated = 1").find("true or false") != std::string::npos);
}
