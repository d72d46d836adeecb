#include "cli/kms/deployment.hpp"

#include "compose/project.hpp"

#include <doctest/doctest.h>

namespace dstack::cli {

TEST_SUITE("cli::kms_deployment")
{
  TEST_CASE("what the compose file carries comes out of it as it went in")
  {
    KmsDeployment deployment;
    deployment.image = "dstack-kms:1@sha256:" + std::string(64, 'a');
    deployment.settings = settings_in_vm({"kms.example.com"});
    deployment.policy = "  # indented first\n\n[evidence]\n\ttcb = [\"$HOME ${X} $$\"]\n# end: \"'";
    deployment.custodians = {"alice=" + std::string(64, 'b')};
    deployment.threshold = 1;
    deployment.join = "https://kms.example.com:8000";
    deployment.simulated = tee::SimTrust{{1, 2}, R"({"tcb_info":"{\"a\":1}"})"};
    const auto project = compose::read_project(kms_compose(deployment));
    REQUIRE(project);
    REQUIRE(project->services.size() == 1);
    CHECK(project->services[0].image == deployment.image);
    CHECK(project->published_ports().at(0).published == 8000);
    const codec::Yaml* environment =
        project->tree.find("services")->find("kms")->find("environment");
    const auto text = [&](std::string_view name) { return environment->find(name)->text; };
    CHECK(text("DSTACK_KMS_POLICY") == deployment.policy + "\n");
    CHECK(*kms::settings_from_toml(text("DSTACK_KMS_SETTINGS"), "") == deployment.settings);
    const auto root = *codec::parse_json(text("DSTACK_KMS_ROOT"));
    CHECK(*root.get_strings("custodians") == deployment.custodians);
    CHECK(*root.need_u64("threshold") == 1);
    CHECK(*root.need_string("join") == deployment.join);
    const auto simulated = *codec::parse_json(text("DSTACK_KMS_SIMULATED_TEE"));
    CHECK(*simulated.need_string("root") == "0102");
    CHECK(*simulated.need_string("collateral") == deployment.simulated->collateral);
  }
}

} // namespace dstack::cli
