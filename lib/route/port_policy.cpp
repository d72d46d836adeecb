#include "route/port_policy.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace dstack::route {

namespace {

using codec::Json;

constexpr std::size_t max_rules = 65535;
constexpr codec::JsonLimits compose_limits{std::size_t{1} << 20U, 32, 200'000};

Result<PortRule> parse_rule(const Json& value)
{
  const std::uint64_t port = TRY(value.need_u64("port"));
  if (port == 0 || port > std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::malformed, "port {} (want 1 to 65535)", port);
  const bool proxy_protocol = TRY(value.get_bool("pp", false));
  return PortRule{static_cast<std::uint16_t>(port), proxy_protocol};
}

} // namespace

Result<PortPolicy> parse_port_policy(const Json& value)
{
  if (!value.is_object()) return fail(Errc::malformed, "no object");
  PortPolicy out;
  if (TRY(value.get_bool("restrict_mode", false))) out.access = PortPolicy::Access::listed;
  const Json* ports = value.find("ports");
  if (ports == nullptr || ports->is_null()) return out;
  if (!ports->is_array()) return fail(Errc::malformed, "ports: no array");
  if (ports->items().size() > max_rules)
    return fail(Errc::malformed, "ports: {} of them", ports->items().size());
  std::map<std::uint16_t, bool> rules;
  for (const Json& item : ports->items()) {
    const PortRule rule = TRY(parse_rule(item).within("ports"));
    rules[rule.port] = rule.proxy_protocol;
  }
  for (const auto& [port, proxy_protocol] : rules)
    out.rules.push_back({port, proxy_protocol});
  return out;
}

Json to_json(const PortPolicy& policy)
{
  Json ports = Json::array();
  for (const PortRule& rule : policy.rules)
    ports.push(Json{}.set("port", std::uint64_t{rule.port}).set("pp", rule.proxy_protocol));
  return Json{}
      .set("ports", std::move(ports))
      .set("restrict_mode", policy.access == PortPolicy::Access::listed);
}

Result<PortPolicy> port_policy_of_compose(std::string_view app_compose)
{
  const Json compose = TRY(codec::parse_json(app_compose, compose_limits).within("app_compose"));
  if (!compose.is_object()) return fail(Errc::malformed, "app_compose: no object");
  const Json* policy = compose.find("port_policy");
  if (policy == nullptr || policy->is_null()) return PortPolicy{};
  return parse_port_policy(*policy).within("port_policy");
}

Result<PortPolicy> port_policy_of_tcb_info(std::string_view tcb_info)
{
  if (tcb_info.empty()) return PortPolicy{};
  const Json info = TRY(codec::parse_json(tcb_info).within("tcb_info"));
  const std::string compose = TRY(info.need_string("app_compose").within("tcb_info"));
  return port_policy_of_compose(compose).within("tcb_info");
}

const PortPolicy* InstancePolicies::effective() const
{
  if (set_by_admin) return &*set_by_admin;
  return reported ? &*reported : nullptr;
}

PortVerdict judge_port(const InstancePolicies& policies, std::uint16_t port)
{
  using Answer = PortVerdict::Answer;
  const PortPolicy* policy = policies.effective();
  if (policy == nullptr) return {Answer::unknown, false};
  const auto rule = std::lower_bound(policy->rules.begin(), policy->rules.end(), port,
                                     [](const PortRule& a, std::uint16_t b) { return a.port < b; });
  if (rule != policy->rules.end() && rule->port == port)
    return {Answer::open, rule->proxy_protocol};
  const bool open = policy->access == PortPolicy::Access::open;
  return {open ? Answer::open : Answer::closed, false};
}

} // namespace dstack::route
