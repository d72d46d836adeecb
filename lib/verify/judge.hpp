#pragma once
/// Applying a policy and a caller's expectations to what was proven.

#include "verify/policy.hpp"
#include "verify/subject.hpp"
#include "verify/verdict.hpp"

namespace dstack::verify {

/// What the caller says must be so, each with the name it was given under ("--compose").
struct Expectation {
  std::string id{};       ///< id of the check, "app.compose-hash"
  std::string title{};    ///< "the compose file is the one that runs"
  std::string value{};    ///< wanted, hex
  std::string source{};   ///< "--compose app-compose.json"
  std::string or_value{}; ///< also good, when not empty
};

struct Expectations {
  std::optional<Expectation> report_data{}; ///< all 64 bytes
  std::optional<Expectation> compose_hash{};
  std::optional<Expectation> app_id{};
  std::optional<Expectation> os_image_hash{};
};

std::vector<Check> judge_policy(const Policy& policy, const Subject& subject, Time at);
std::vector<Check> judge_expectations(const Expectations& wanted, const Subject& subject);

} // namespace dstack::verify
