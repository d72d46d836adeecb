#include "guest/launch_policy.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {

namespace {

constexpr const char* token = "unit-test-launch-token-0000000001";
constexpr const char* token_hash =
    "28faa1319055d733ad9651f5ab7689c15b04609846bcd27b3c5bc8df6246f5a3"; // spec guest 21.4

LaunchFacts facts()
{
  LaunchFacts out;
  out.os_version = "0.6.0";
  out.platform = "dstack-tdx";
  out.vm_config = "{}";
  return out;
}

/// "" or why the app with these requirements is not started.
std::string why(const std::string& requirements, const LaunchFacts& with = facts())
{
  const auto app = compose::parse_app_compose(fmt::format(
      R"({{"manifest_version":"3","name":"a","runner":"bash","requirements":{}}})", requirements));
  REQUIRE(app);
  const Status checked = check_requirements(*app, with);
  if (!checked) CHECK(checked.error().code() != Errc::internal);
  return checked ? "" : checked.error().message();
}

std::string launch(const std::string& user_config)
{
  LaunchFacts with = facts();
  with.user_config = user_config;
  return why(fmt::format(R"({{"launch_token_hash":"{}"}})", token_hash), with);
}

} // namespace

TEST_SUITE("guest::launch_policy")
{
  TEST_CASE("no requirements, or ones that are met")
  {
    CHECK(check_requirements({}, facts()));
    CHECK(why("{}").empty());
    CHECK(why(R"({"os_version":">=0.6, <0.7","platforms":["dstack-amd-sev-snp","dstack-tdx"]})")
              .empty());
    CHECK(why(R"({"platforms":[]})").empty());
    CHECK(why(R"({"gpu_policy":{"attest_gpu":true}})").empty()); // there is none
  }

  TEST_CASE("each unmet requirement is named")
  {
    CHECK(why(R"({"os_version":">=0.7"})") ==
          "requirements.os_version: the guest OS is 0.6.0 (the app wants >=0.7)");
    CHECK(why(R"({"platforms":["dstack-amd-sev-snp"]})") ==
          "requirements.platforms: this is dstack-tdx (the app wants dstack-amd-sev-snp)");
    CHECK(why(R"({"tdx_measure_acpi_tables":true})").empty());
    CHECK(why(R"({"tdx_measure_acpi_tables":false})") ==
          "requirements.tdx_measure_acpi_tables: ACPI tables are measured here");
    LaunchFacts lite = facts();
    lite.vm_config = R"({"tdx_attestation_variant":"lite"})";
    CHECK(why(R"({"tdx_measure_acpi_tables":true})", lite) ==
          "requirements.tdx_measure_acpi_tables: ACPI tables are not measured here");
    CHECK(why(R"({"tdx_measure_acpi_tables":false})", lite).empty());
    LaunchFacts gpus = facts();
    gpus.display_pcis = 2;
    CHECK(why(R"({"gpu_policy":{}})", gpus) ==
          "requirements.gpu_policy: 2 GPUs, and this guest cannot attest one");
    CHECK(why(R"({"gpu_policy":{"attest_gpu":false}})", gpus).empty());
  }

  TEST_CASE("an app with a launch token starts only with it")
  {
    CHECK(launch(fmt::format(R"({{"dstack":{{"launch_token":"{}"}},"more":1}})", token)).empty());
    const std::string missing =
        "requirements.launch_token_hash: .user-config holds no text at /dstack/launch_token";
    CHECK(launch("{}") == missing);
    CHECK(launch(R"({"dstack":{"launch_token":7}})") == missing);
    CHECK(launch(R"({"launch_token":"x"})") == missing);
    CHECK(launch(fmt::format(R"({{"dstack":{{"launch_token":"{}x"}}}})", token)) ==
          "requirements.launch_token_hash: the token of .user-config is not the app's");
    CHECK(launch(R"({"dstack":{"launch_token":"short"}})") ==
          "requirements.launch_token_hash: a token of 5 bytes (want at least 32)");
    CHECK(launch("").starts_with("requirements.launch_token_hash: .user-config: JSON"));
  }

  TEST_CASE("an unknown requirement is refused before anything is judged")
  {
    const auto app = compose::parse_app_compose(
        R"({"manifest_version":"3","name":"a","runner":"bash","requirements":{"moon":"full"}})");
    REQUIRE_FALSE(app);
    CHECK(app.error().message().find("unknown key 'moon'") != std::string::npos);
  }
}

} // namespace dstack::guest
