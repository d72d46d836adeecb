#pragma once
/// Which ports of an app the world may reach (spec gateway 10). What is not known is closed.

#include "codec/json.hpp"

#include <optional>

namespace dstack::route {

struct PortRule {
  std::uint16_t port = 0;
  bool proxy_protocol = false; ///< connections to it begin with a PROXY header
  bool operator==(const PortRule&) const = default;
};

struct PortPolicy {
  /// Open: every port, the rules only say where a PROXY header goes. Listed: the rules' ports only.
  enum class Access { open, listed } access = Access::open;
  std::vector<PortRule> rules{}; ///< sorted by port, each once
  bool operator==(const PortPolicy&) const = default;
};

/// {"ports":[{"port":443,"pp":true}],"restrict_mode":true}; of a port given twice the last counts.
Result<PortPolicy> parse_port_policy(const codec::Json& value);
codec::Json to_json(const PortPolicy& policy);
/// Of an app-compose document; one without "port_policy" is open, as the app was measured.
Result<PortPolicy> port_policy_of_compose(std::string_view app_compose);
/// Of the "tcb_info" text that a guest agent's Info holds. Empty: open (the agent hides it).
Result<PortPolicy> port_policy_of_tcb_info(std::string_view tcb_info);

/// Both sources of one instance's policy; what an operator set goes first.
struct InstancePolicies {
  std::optional<PortPolicy> set_by_admin{};
  std::optional<PortPolicy> reported{};

  const PortPolicy* effective() const; ///< nullptr: not known
  bool operator==(const InstancePolicies&) const = default;
};

struct PortVerdict {
  enum class Answer { open, closed, unknown } answer = Answer::unknown;
  bool proxy_protocol = false;
  bool operator==(const PortVerdict&) const = default;
};
/// Unknown means closed, and that the policy is to be fetched.
PortVerdict judge_port(const InstancePolicies& policies, std::uint16_t port);

} // namespace dstack::route
