#include "kms/policy.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::kms;

namespace {

std::string of(std::string_view byte, std::size_t count)
{
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += byte;
  return out;
}

/// A production policy for the caller below.
std::string text()
{
  return fmt::format(R"(# who gets keys
gateway_app_id = "{0}"

[evidence]
tcb = ["UpToDate", "SWHardeningNeeded"]
advisories = ["INTEL-SA-1"]

[[image]]
name = "dstack-0.6.0"
hash = "{1}"
mrtd = ["{2}"]
rtmr1 = ["{3}", "{4}"]
rtmr2 = ["{5}"]

[kms]
mr_aggregated = ["{6}"]
devices = ["{7}"]

[[app]]
id = "{8}"
name = "shop"
compose = ["{9}"]
epoch = 2
)",
                     of("99", 20), of("f1", 32), of("01", 48), of("aa", 48), of("03", 48),
                     of("04", 48), of("e1", 32), of("d1", 32), of("A1", 20), of("C1", 32));
}

Policy policy(const std::string& toml = text())
{
  auto out = policy_from_toml(toml, "p.toml");
  if (!out) FAIL(out.error().message());
  return *out;
}

/// The text with one part replaced.
std::string with(std::string_view from, std::string_view to)
{
  std::string out = text();
  const auto at = out.find(from);
  REQUIRE(at != std::string::npos);
  out.replace(at, from.size(), to);
  return out;
}

BootInfo caller()
{
  BootInfo out;
  out.tee_variant = "dstack-tdx";
  out.mr_aggregated = Bytes(32, 0xe1);
  out.os_image_hash = Bytes(32, 0xf1);
  out.mr_system = Bytes(32, 0xe2);
  out.app_id = Bytes(20, 0xa1);
  out.compose_hash = Bytes(32, 0xc1);
  out.instance_id = Bytes(20, 0xb2);
  out.device_id = Bytes(32, 0xd1);
  out.tcb_status = "UpToDate";
  out.registers = {{"mrtd", of("01", 48)},
                   {"rtmr0", of("02", 48)},
                   {"rtmr1", of("03", 48)},
                   {"rtmr2", of("04", 48)}};
  return out;
}

std::string why(std::string_view toml)
{
  const auto out = policy_from_toml(toml, "p.toml");
  return out ? "accepted" : out.error().message();
}

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

  TEST_CASE("an empty policy allows nobody")
  {
    CHECK(app_reason(caller(), "") == "OS image is not allowed");
    CHECK(kms_reason(caller(), "") == "OS image is not allowed");
    CHECK(image_reason(caller(), "") == "OS image is not allowed");
  }

  TEST_CASE("what a policy cannot mean is refused with file and line")
  {
    CHECK(why("\n[evidense]\n") ==
          "policy p.toml: line 2: unknown key 'evidense'; did you mean 'evidence'?");
    CHECK(why("[evidence]\ntcbs = []\n") ==
          "policy p.toml: [evidence]: line 2: unknown key 'tcbs'; did you mean 'tcb'?");
    CHECK(why("[evidence]\ntcb = [\"Revoked\"]").find("line 2: 'Revoked' is not a TCB status") !=
          std::string::npos);
    CHECK(why("[evidence]\ntee = [\"dstack-aws-nitro-tpm\"]").find("can be verified") !=
          std::string::npos);
    CHECK(why("[evidence]\nsimulated = 1").find("line 2: 'evidence.simulated' is an integer") !=
          std::string::npos);
    CHECK(why("[app]\nid = 1").find("line 1: 'app' is a table (want tables, each [[app]])") !=
          std::string::npos);
    CHECK(why("\n[[app]]\ncompose = []") == "policy p.toml: [[app]]: line 2: 'id' is missing");
    CHECK(why("[[image]]\nname = 'x'").find("'hash' is missing") != std::string::npos);
    CHECK(why("retired_epochs = [4294967296]").find("at most 4294967295") != std::string::npos);
    CHECK(why("retired_epochs = 1").find("a list of numbers") != std::string::npos);
    CHECK(why("[kms]\ndevices = \"all\"").find("or \"any\"") != std::string::npos);
    CHECK(why("rules = \"chain\"").find("want file, webhook or both") != std::string::npos);
    CHECK(why("gateway_app_id = \"x\"").find("20 bytes of hex") != std::string::npos);
    CHECK(why("a = ").find("line 1, column") != std::string::npos);
    CHECK(policy_from_toml(std::string(max_policy + 1, '\n'), "p").error().code() ==
          Errc::malformed);
  }

  TEST_CASE("trap 24: hashes and ids of another length are errors, never padded")
  {
    for (const std::size_t size : {0U, 19U, 21U, 31U, 33U}) {
      CAPTURE(size);
      const std::string value = of("ab", size);
      CHECK(why(fmt::format("[[app]]\nid = \"{}\"\ncompose = []", value)).find("20 bytes of hex") !=
            std::string::npos);
      CHECK(why(fmt::format("[[app]]\nid = \"{}\"\ncompose = [\n\"{}\"]", of("a1", 20), value))
                .find("line 4: 'app.compose'") != std::string::npos);
      CHECK(why(fmt::format("[kms]\nmr_aggregated = [\"{}\"]", value)).find("32 bytes of hex") !=
            std::string::npos);
      CHECK(why(fmt::format("[[image]]\nhash = \"{}\"", value)).find("32 bytes of hex") !=
            std::string::npos);
      CHECK(why(fmt::format("[[image]]\nhash = \"{}\"\nmrtd = [\"{}\"]", of("f1", 32), value))
                .find("48 bytes of hex") != std::string::npos);
    }
    CHECK(why("[[app]]\nid = \"0x" + of("a1", 20) + "\"\ncompose = []").find("20 bytes of hex") !=
          std::string::npos);
  }

  TEST_CASE("nothing is named twice")
  {
    CHECK(why(text() + "[[app]]\nid = \"" + of("a1", 20) + "\"\ncompose = []\n")
              .find("the app is already named in line 19") != std::string::npos);
    CHECK(why(text() + "[[image]]\nhash = \"" + of("F1", 32) + "\"\n")
              .find("the image is already named in line 8") != std::string::npos);
  }

  TEST_CASE("a webhook in the file must agree too, unless the file says it decides alone")
  {
    const std::string hook = "webhook = { url = \"http://127.0.0.1:8001\" }\n";
    CHECK(policy(hook).rules == Rules::both);
    CHECK(policy(hook).webhook->timeout_ms == 5000);
    CHECK(policy("rules = \"webhook\"\n" + hook).rules == Rules::webhook);
    CHECK(why("rules = \"webhook\"").find("there is no webhook") != std::string::npos);
    CHECK(why("rules = \"both\"").find("there is no webhook") != std::string::npos);
    CHECK(why("rules = \"file\"\n" + hook).find("never be asked") != std::string::npos);
    CHECK(why("[webhook]\nurl = \"http://a\"\ntimeout_ms = 0").find("want 1 to") !=
          std::string::npos);
    CHECK(why("[webhook]\n").find("'url' is missing") != std::string::npos);
    for (const char* bad :
         {"", "auth:8000", "file:///etc/passwd", "http://a b", "ftp://SECRET@a"}) {
      CAPTURE(bad);
      const std::string said = why(fmt::format("[webhook]\nurl = \"{}\"", bad));
      CHECK(said.find("line 2: 'webhook.url' is no http://") != std::string::npos);
      CHECK(said.find("SECRET") == std::string::npos);
    }
  }
}

TEST_SUITE("kms::decide")
{
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
    CHECK(both_of(says(true, "", ""), says(true, "", "")).allowed);
    CHECK(both_of(says(true, "", ""), says(false, "w", "")).reason == "w");
    CHECK(both_of(says(false, "f", ""), says(true, "", "")).reason == "f");
    CHECK(both_of(says(false, "f", ""), says(false, "w", "")).reason == "f");
    CHECK(both_of(says(true, "", ""), says(true, "", "")).checks.size() == 2);
  }

  TEST_CASE("the gateway is the file's, else the webhook's; two different ones refuse")
  {
    CHECK(both_of(says(true, "", "aa"), says(true, "", "")).gateway_app_id == "aa");
    CHECK(both_of(says(true, "", ""), says(true, "", "bb")).gateway_app_id == "bb");
    CHECK(both_of(says(true, "", "aa"), says(true, "", "AA")).allowed);
    const Decision differ = both_of(says(true, "", "aa"), says(true, "", "bb"));
    CHECK_FALSE(differ.allowed);
    CHECK(differ.reason == "the policy names gateway aa and the webhook bb");
  }
}
