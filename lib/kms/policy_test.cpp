#include "kms/test_policy.hpp"

#include <algorithm>

using namespace dstack;
using namespace dstack::kms;
using namespace dstack::kms::test;

namespace {

/// The reason's words before what was seen.
std::string reason(const Decision& decision)
{
  return decision.allowed ? "allowed" : decision.reason.substr(0, decision.reason.find(" (seen"));
}

std::string app_reason(const BootInfo& info, const std::string& toml = text())
{
  return reason(decide(policy(toml), Role::app, info));
}

std::string kms_reason(const BootInfo& info, const std::string& toml = text())
{
  return reason(decide(policy(toml), Role::kms, info));
}

std::string image_reason(const BootInfo& info, const std::string& toml = text())
{
  return reason(judge_image(policy(toml), info));
}

} // namespace

TEST_SUITE("kms::decide")
{
  TEST_CASE("an empty policy allows nobody")
  {
    CHECK(app_reason(caller(), "") == "OS image is not allowed");
    CHECK(kms_reason(caller(), "") == "OS image is not allowed");
    CHECK(image_reason(caller(), "") == "OS image is not allowed");
  }

  TEST_CASE("the caller a policy was written for gets keys, of its epoch")
  {
    const Decision app = decide(policy(), Role::app, caller());
    CHECK(app.allowed);
    CHECK(app.reason.empty());
    CHECK(app.epoch == 2);
    CHECK(app.gateway_app_id == of("99", 20));
    const Decision kms = decide(policy(), Role::kms, caller());
    CHECK(kms.allowed);
    CHECK(kms.epoch == 0);
    CHECK(image_reason(caller()) == "allowed");
  }

  TEST_CASE("one wrong value a rule, with the reasons other servers give")
  {
    BootInfo bad = caller();
    bad.tcb_status = "OutOfDate";
    CHECK(app_reason(bad) == "TCB status is not allowed");
    CHECK(kms_reason(bad) == "TCB status is not allowed");
    bad = caller();
    bad.advisory_ids = {"INTEL-SA-1", "INTEL-SA-2"};
    CHECK(app_reason(bad) == "advisory ID is not allowed");
    bad.advisory_ids.pop_back();
    CHECK(app_reason(bad) == "allowed");
    bad = caller();
    bad.os_image_hash = Bytes(32, 0xf2);
    CHECK(app_reason(bad) == "OS image is not allowed");
    bad.os_image_hash.clear();
    CHECK(app_reason(bad) == "OS image is not allowed");
    bad = caller();
    bad.app_id = Bytes(20, 0xa2);
    CHECK(app_reason(bad) == "app not registered");
    CHECK(kms_reason(bad) == "allowed"); // a KMS is known by its measurement
    bad = caller();
    bad.compose_hash[31] ^= 1U;
    CHECK(app_reason(bad) == "compose hash not allowed");
    bad = caller();
    bad.mr_aggregated[0] ^= 1U;
    CHECK(kms_reason(bad) == "aggregated MR not allowed");
    CHECK(app_reason(bad) == "allowed");
    bad = caller();
    bad.device_id[0] ^= 1U;
    CHECK(kms_reason(bad) == "KMS is not allowed to boot on this device");
    CHECK(app_reason(bad) == "allowed"); // any device, as nothing else is said
    CHECK(app_reason(bad, with("epoch = 2", "devices = [\"" + of("d1", 32) + "\"]")) ==
          "app is not allowed to boot on this device");
    bad = caller();
    bad.tee_variant = "dstack-amd-sev-snp";
    CHECK(app_reason(bad) == "TEE is not allowed");
  }

  TEST_CASE("the reason is the first rule's, and every rule was looked at")
  {
    BootInfo bad = caller();
    bad.tcb_status = "OutOfDate";
    bad.compose_hash = Bytes(32, 1);
    const Decision decision = decide(policy(), Role::app, bad);
    CHECK(decision.reason == "TCB status is not allowed (seen OutOfDate)");
    const auto failed =
        std::count_if(decision.checks.begin(), decision.checks.end(), [](const verify::Check& one) {
          return one.outcome == verify::Outcome::failed;
        });
    CHECK(failed == 2);
    CHECK(decision.gateway_app_id == of("99", 20));
  }

  TEST_CASE("simulated evidence gets nothing unless the policy says so in so many words")
  {
    BootInfo info = caller();
    info.simulated = true;
    CHECK(app_reason(info) == "simulated evidence is not allowed");
    CHECK(kms_reason(info) == "simulated evidence is not allowed");
    const std::string open = with("[evidence]\n", "[evidence]\nsimulated = true\n");
    CHECK(app_reason(info, open) == "allowed");
    CHECK(app_reason(caller(), open) == "allowed");
    CHECK_FALSE(evidence_policy(policy()).allow_simulated);
    CHECK(evidence_policy(policy(open)).allow_simulated);
    CHECK(evidence_policy(policy(open)).accepted_attributes.empty());
    CHECK(evidence_policy(policy(open)).require_revocation);
  }

  TEST_CASE("trap 23: an empty list allows none, any has to be written")
  {
    CHECK(app_reason(caller(), with("compose = [\"" + of("C1", 32) + "\"]", "compose = []")) ==
          "compose hash not allowed");
    CHECK(app_reason(caller(), with("epoch = 2", "devices = []")) ==
          "app is not allowed to boot on this device");
    CHECK(app_reason(caller(), with("epoch = 2", "devices = \"any\"")) == "allowed");
    CHECK(kms_reason(caller(), with("devices = [\"" + of("d1", 32) + "\"]", "devices = []")) ==
          "KMS is not allowed to boot on this device");
    CHECK(kms_reason(caller(), with("devices = [\"" + of("d1", 32) + "\"]", "")) ==
          "KMS is not allowed to boot on this device");
    CHECK(kms_reason(caller(), with("mr_aggregated = [\"" + of("e1", 32) + "\"]", "")) ==
          "aggregated MR not allowed");
    BootInfo nowhere = caller();
    nowhere.device_id.clear();
    CHECK(kms_reason(nowhere) == "KMS is not allowed to boot on this device");
    const std::string any = with("devices = [\"" + of("d1", 32) + "\"]", "devices = \"any\"");
    CHECK(kms_reason(nowhere, any) == "allowed");
    CHECK(app_reason(caller(), with("[\"UpToDate\", \"SWHardeningNeeded\"]", "[]")) ==
          "TCB status is not allowed");
    CHECK(app_reason(caller(), with("[evidence]\n", "[evidence]\ntee = []\n")) ==
          "TEE is not allowed");
  }

  TEST_CASE("trap 7: no status is not any status, and revoked never is")
  {
    const std::string any = with("[\"UpToDate\", \"SWHardeningNeeded\"]", "[\"*\"]");
    BootInfo info = caller();
    info.tcb_status = "OutOfDate";
    CHECK(app_reason(info, any) == "allowed");
    for (const char* status : {"", "Revoked", "nonsense"}) {
      info.tcb_status = status;
      CHECK(app_reason(info, any) == "TCB status is not allowed");
    }
  }

  TEST_CASE(
      "trap 8: the TEE itself is judged, so that one with a constant status cannot hide in it")
  {
    BootInfo info = caller();
    info.tee_variant = "dstack-aws-nitro-tpm";
    CHECK(app_reason(info) == "TEE is not allowed");
    info.tee_variant = "dstack-amd-sev-snp"; // trap 6: its gate is closed unless somebody opens it
    CHECK(app_reason(info) == "TEE is not allowed");
    CHECK(app_reason(info, with("[evidence]\n", "[evidence]\ntee = [\"dstack-amd-sev-snp\"]\n")) ==
          "allowed");
    info.tee_variant.clear();
    CHECK(app_reason(info) == "TEE is not allowed");
  }

  TEST_CASE("trap 5: ids of other sizes get nothing, whatever made them")
  {
    for (const std::size_t size : {0U, 19U, 21U, 40U}) {
      BootInfo info = caller();
      info.app_id = Bytes(size, 0xa1);
      CHECK(app_reason(info) == "app_id must be 20 bytes");
      CHECK(kms_reason(info) == "app_id must be 20 bytes");
      info = caller();
      info.instance_id = Bytes(size, 0xb2);
      CHECK((app_reason(info) == "allowed") == (size == 0));
    }
  }

  TEST_CASE("keys of a retired epoch are given to nobody")
  {
    CHECK(app_reason(caller(), "retired_epochs = [1, 2]\n" + text()) ==
          "the app's key epoch is retired");
    CHECK(app_reason(caller(), "retired_epochs = [0, 1]\n" + text()) == "allowed");
    CHECK(kms_reason(caller(), "retired_epochs = [0, 1, 2]\n" + text()) == "allowed");
  }

  TEST_CASE("a webhook that decides alone leaves the file evidence, epochs and images")
  {
    const std::string hook = "rules = \"webhook\"\nwebhook = { url = \"http://127.0.0.1:1\" }\n";
    BootInfo info = caller();
    info.app_id = Bytes(20, 7);
    info.compose_hash = Bytes(32, 7);
    info.tcb_status = "OutOfDate";
    info.advisory_ids = {"X"};
    CHECK(app_reason(info, hook) == "allowed");
    CHECK(kms_reason(info, hook) == "allowed");
    CHECK(image_reason(info, hook) == "OS image is not allowed");
    CHECK(decide(policy(hook + text()), Role::app, caller()).epoch == 2);
    info.simulated = true;
    CHECK(app_reason(info, hook) == "simulated evidence is not allowed");
    info = caller();
    info.tee_variant = "dstack-amd-sev-snp";
    CHECK(app_reason(info, hook) == "TEE is not allowed");
    info = caller();
    info.tcb_status = "OutOfDate";
    CHECK(app_reason(info, hook + "[evidence]\ntcb = [\"UpToDate\"]") ==
          "TCB status is not allowed");
  }

  TEST_CASE("a contract that decides alone leaves the file evidence, epochs and images")
  {
    const std::string chain =
        "rules = \"chain\"\nchain = { rpc = \"http://127.0.0.1:1\", contract = \"0x" +
        of("d3", 20) + "\", chain_id = 1 }\n";
    BootInfo info = caller();
    info.app_id = Bytes(20, 7);
    info.compose_hash = Bytes(32, 7);
    CHECK(app_reason(info, chain) == "allowed");
    CHECK(kms_reason(info, chain) == "allowed");
    CHECK(image_reason(info, chain) == "OS image is not allowed");
    CHECK(decide(policy(chain + text()), Role::app, caller()).epoch == 2);
    CHECK(app_reason(caller(), "retired_epochs = [0]\n" + chain) ==
          "the app's key epoch is retired");
    info.tcb_status = "OutOfDate"; // which the contract of an app need not look at
    CHECK(app_reason(info, chain) == "TCB status is not allowed");
    info = caller();
    info.advisory_ids = {"X"};
    CHECK(app_reason(info, chain) == "advisory ID is not allowed");
    info = caller();
    info.simulated = true;
    CHECK(app_reason(info, chain) == "simulated evidence is not allowed");
  }
}

TEST_SUITE("kms::judge_image")
{
  TEST_CASE("trap 9: a claimed image counts only when its registers are there")
  {
    for (const char* name : {"mrtd", "rtmr1", "rtmr2"}) {
      CAPTURE(name);
      BootInfo info = caller();
      for (auto& [reg, value] : info.registers)
        if (reg == name) value = of("ee", 48);
      CHECK(image_reason(info) == "OS image is not what it is called");
      std::erase_if(info.registers, [&](const auto& one) { return one.first == name; });
      CHECK(image_reason(info) == "OS image is not what it is called");
    }
    BootInfo info = caller();
    info.registers.clear(); // only the JSON is known
    CHECK(image_reason(info) == "OS image is not what it is called");
  }

  TEST_CASE("an image that does not state its registers cannot be checked")
  {
    CHECK(image_reason(caller(), with("rtmr2 = [\"" + of("04", 48) + "\"]", "")) ==
          "OS image cannot be checked");
    CHECK(image_reason(caller(), with("rtmr2 = [\"" + of("04", 48) + "\"]", "rtmr2 = []")) ==
          "OS image cannot be checked");
    CHECK(judge_image(policy(with("mrtd = [\"" + of("01", 48) + "\"]", "")), caller())
              .reason.find("no mrtd of image dstack-0.6.0") != std::string::npos);
  }

  TEST_CASE("RTMR0 counts when it is stated")
  {
    CHECK(image_reason(caller(), with("rtmr2 =", "rtmr0 = [\"" + of("02", 48) + "\"]\nrtmr2 =")) ==
          "allowed");
    CHECK(image_reason(caller(), with("rtmr2 =", "rtmr0 = [\"" + of("03", 48) + "\"]\nrtmr2 =")) ==
          "OS image is not what it is called");
    const Decision without = judge_image(policy(), caller());
    CHECK(std::any_of(without.checks.begin(), without.checks.end(), [](const verify::Check& one) {
      return one.id == "image.rtmr0" && one.outcome == verify::Outcome::noted;
    }));
  }

  TEST_CASE("an SNP guest is known by its launch measurement, and by nothing of TDX")
  {
    BootInfo info = caller();
    info.tee_variant = "dstack-amd-sev-snp";
    info.registers = {{"measurement", of("5a", 48)}};
    CHECK(image_reason(info) == "OS image cannot be checked");
    const std::string both = with("rtmr2 =", "measurement = [\"" + of("5a", 48) + "\"]\nrtmr2 =");
    CHECK(image_reason(info, both) == "allowed");
    CHECK(image_reason(caller(), both) == "allowed");
    info.registers = {{"measurement", of("5b", 48)}};
    CHECK(image_reason(info, both) == "OS image is not what it is called");
  }
}

TEST_SUITE("kms::both_of")
{
  Decision says(bool allowed, std::string why_not, std::string gateway)
  {
    Decision out;
    out.allowed = allowed;
    out.reason = std::move(why_not);
    out.gateway_app_id = std::move(gateway);
    out.checks.resize(1);
    return out;
  }

  TEST_CASE("either refuses, the file's reason first")
  {
    CHECK(both_of(says(true, "", ""), says(true, "", ""), "webhook").allowed);
    CHECK(both_of(says(true, "", ""), says(false, "w", ""), "webhook").reason == "w");
    CHECK(both_of(says(false, "f", ""), says(true, "", ""), "webhook").reason == "f");
    CHECK(both_of(says(false, "f", ""), says(false, "w", ""), "webhook").reason == "f");
    CHECK(both_of(says(true, "", ""), says(true, "", ""), "webhook").checks.size() == 2);
  }

  TEST_CASE("the gateway is the file's, else the webhook's; two different ones refuse")
  {
    CHECK(both_of(says(true, "", "aa"), says(true, "", ""), "webhook").gateway_app_id == "aa");
    CHECK(both_of(says(true, "", ""), says(true, "", "bb"), "webhook").gateway_app_id == "bb");
    CHECK(both_of(says(true, "", "aa"), says(true, "", "AA"), "webhook").allowed);
    const Decision differ = both_of(says(true, "", "aa"), says(true, "", "bb"), "webhook");
    CHECK_FALSE(differ.allowed);
    CHECK(differ.reason == "the policy names gateway aa and the webhook bb");
    CHECK(both_of(says(true, "", "aa"), says(true, "", "bb"), "contract").reason ==
          "the policy names gateway aa and the contract bb");
  }
}
