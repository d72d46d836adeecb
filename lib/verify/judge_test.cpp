#include "verify/judge.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::verify;

namespace {

constexpr std::int64_t day = 86'400;
constexpr Time at{1'700'000'000'000};

Subject good()
{
  Subject out;
  out.tcb_status = "UpToDate";
  out.registers = {{"mrtd", "aa"}};
  out.app = AppIdentity{"01", "02", "03", "04", "kms", "ff"};
  return out;
}

/// Ids of the checks that fail.
std::vector<std::string> failing(const Policy& policy, const Subject& subject)
{
  std::vector<std::string> out;
  for (const Check& check : judge_policy(policy, subject, at))
    if (check.outcome == Outcome::failed) out.push_back(check.id);
  return out;
}

using Ids = std::vector<std::string>;

} // namespace

TEST_CASE("strict accepts a current platform and nothing weaker")
{
  CHECK(failing(strict_policy(), good()).empty());
  Subject weaker = good();
  weaker.tcb_status = "OutOfDate";
  weaker.attribute_flags = {"debug"};
  weaker.simulated = true;
  CHECK(failing(strict_policy(), weaker) ==
        Ids{"policy.simulated", "policy.tcb-status", "policy.attributes"});
  CHECK(failing(permissive_policy(), weaker) == Ids{"policy.simulated", "policy.attributes"});
}

TEST_CASE("the grace period counts from the newer TCB, to the second")
{
  Policy policy = strict_policy();
  policy.grace_days = 10;
  Subject late = good();
  late.tcb_status = "OutOfDate";
  CHECK(failing(policy, late) == Ids{"policy.tcb-status"}); // since when is not known
  late.out_of_date_since = at.seconds() - 10 * day;
  CHECK(failing(policy, late).empty());
  late.out_of_date_since -= 1;
  CHECK(failing(policy, late) == Ids{"policy.tcb-status"});
  late.out_of_date_since = at.seconds();
  late.tcb_status = "OutOfDateConfigurationNeeded";
  CHECK(failing(policy, late) == Ids{"policy.tcb-status"});
  policy.tcb_statuses.emplace_back("ConfigurationNeeded");
  CHECK(failing(policy, late).empty());
}

TEST_CASE("advisories, numbers and ages are held to the policy")
{
  Policy policy = strict_policy();
  Subject subject = good();
  subject.advisory_ids = {"INTEL-SA-1", "INTEL-SA-2"};
  policy.refused_advisories = {"INTEL-SA-2"};
  CHECK(failing(policy, subject) == Ids{"policy.advisories"});
  policy.refused_advisories.clear();
  policy.accepted_advisories = {"INTEL-SA-1"};
  CHECK(failing(policy, subject) == Ids{"policy.advisories"});
  policy.accepted_advisories->push_back("INTEL-SA-2");
  CHECK(failing(policy, subject).empty());
  policy.min_evaluation_number = 17;
  CHECK(failing(policy, subject) == Ids{"policy.evaluation-number"});
  subject.evaluation_number = 17;
  policy.max_collateral_age_days = 1;
  CHECK(failing(policy, subject) == Ids{"policy.freshness"});
  subject.oldest_issue = at.seconds() - day;
  CHECK(failing(policy, subject).empty());
}

TEST_CASE("an app the policy names must be in the evidence")
{
  Policy policy = strict_policy();
  policy.app_ids = {"01"};
  policy.compose_hashes = {"02", "09"};
  policy.os_image_hashes = {"04"};
  policy.instance_ids = {"03"};
  policy.key_providers = {"kms:ff"};
  policy.registers = {{"mrtd", {"aa"}}};
  CHECK(failing(policy, good()).empty());
  Subject bare = good();
  bare.app.reset();
  bare.registers.clear();
  CHECK(failing(policy, bare).size() == 6);
  Subject other = good();
  other.app->key_provider_id = "fe";
  CHECK(failing(policy, other) == Ids{"policy.key-provider"});
}

TEST_CASE("expectations name the option they came from")
{
  Expectations wanted;
  wanted.compose_hash = {"app.compose-hash", "the compose file runs", "02", "--compose f"};
  wanted.app_id = {"app.id", "the app", "05", "--app-id"};
  const auto checks = judge_expectations(wanted, good());
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].outcome == Outcome::passed);
  CHECK(checks[1].outcome == Outcome::failed);
  CHECK(checks[1].seen == "01");
  CHECK(checks[1].source == "--app-id");
}
