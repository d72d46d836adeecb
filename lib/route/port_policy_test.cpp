#include "route/port_policy.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

using Answer = PortVerdict::Answer;

PortPolicy policy(std::string_view text)
{
  return *parse_port_policy(*codec::parse_json(text));
}

std::string policy_error(std::string_view text)
{
  const auto got = parse_port_policy(*codec::parse_json(text));
  return got ? "fine" : got.error().message();
}

} // namespace

TEST_SUITE("route::port_policy")
{
  TEST_CASE("an unknown policy is closed, and says that it is unknown")
  {
    CHECK(judge_port({}, 80) == PortVerdict{Answer::unknown, false});
  }

  TEST_CASE("restricted: only what is listed; else everything")
  {
    const InstancePolicies restricted{
        std::nullopt,
        policy(R"({"ports":[{"port":443,"pp":true},{"port":80}],"restrict_mode":true})")};
    CHECK(judge_port(restricted, 443) == PortVerdict{Answer::open, true});
    CHECK(judge_port(restricted, 80) == PortVerdict{Answer::open, false});
    CHECK(judge_port(restricted, 8080) == PortVerdict{Answer::closed, false});
    const InstancePolicies open{std::nullopt, policy(R"({"ports":[{"port":443,"pp":true}]})")};
    CHECK(judge_port(open, 443) == PortVerdict{Answer::open, true});
    CHECK(judge_port(open, 8080) == PortVerdict{Answer::open, false});
    const InstancePolicies nothing{std::nullopt, policy(R"({"restrict_mode":true})")};
    CHECK(judge_port(nothing, 443) == PortVerdict{Answer::closed, false});
  }

  TEST_CASE("what an operator set goes before what an instance reported, open or closed")
  {
    InstancePolicies both;
    both.reported = PortPolicy{};
    both.set_by_admin = policy(R"({"restrict_mode":true})");
    CHECK(judge_port(both, 80).answer == Answer::closed);
    std::swap(both.reported, both.set_by_admin);
    CHECK(judge_port(both, 80).answer == Answer::open);
    both.set_by_admin.reset();
    CHECK(judge_port(both, 80).answer == Answer::closed);
  }

  TEST_CASE("a policy that is malformed is an error, never an open one")
  {
    CHECK(policy_error("[]") == "no object");
    CHECK(policy_error(R"({"ports":[{"port":0}]})") == "ports: port 0 (want 1 to 65535)");
    CHECK(policy_error(R"({"ports":[{"port":65536}]})") == "ports: port 65536 (want 1 to 65535)");
    CHECK(policy_error(R"({"ports":{}})") == "ports: no array");
    CHECK(policy_error(R"({"ports":[443]})") != "fine");
    CHECK(policy_error(R"({"ports":[{"pp":true}]})") != "fine");
    CHECK(policy_error(R"({"restrict_mode":1})") != "fine");
    CHECK(policy_error(R"({"ports":[{"port":1,"pp":"yes"}]})") != "fine");
    CHECK(policy_error(R"({"ports":null,"restrict_mode":null})") == "fine");
  }

  TEST_CASE("of a port given twice the last counts, as upstream reads it")
  {
    CHECK(policy(R"({"ports":[{"port":2,"pp":true},{"port":1},{"port":2}]})").rules ==
          std::vector<PortRule>{{1, false}, {2, false}});
  }

  TEST_CASE("the policy in what a guest agent tells: hidden is open, broken is an error")
  {
    CHECK(*port_policy_of_tcb_info("") == PortPolicy{});
    CHECK(*port_policy_of_tcb_info(R"({"app_compose":"{\"name\":\"a\"}"})") == PortPolicy{});
    CHECK(port_policy_of_tcb_info(R"({"app_compose":"{\"port_policy\":{\"restrict_mode\":true}}"})")
              ->access == PortPolicy::Access::listed);
    for (const std::string_view bad :
         {"{}", "x", R"({"app_compose":"x"})", R"({"app_compose":{}})", R"({"app_compose":"[]"})",
          R"({"app_compose":"{\"port_policy\":[]}"})"}) {
      CAPTURE(bad);
      CHECK(!port_policy_of_tcb_info(bad));
    }
  }

  TEST_CASE("what is written reads the same")
  {
    const PortPolicy given = policy(R"({"ports":[{"port":443,"pp":true}],"restrict_mode":true})");
    CHECK(*parse_port_policy(to_json(given)) == given);
  }
}

} // namespace dstack::route
