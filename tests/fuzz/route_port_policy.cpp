// links: route
// A guest agent's tcb_info: a policy that is read keeps its rules sorted and reads the same again.
#include "route/port_policy.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  for (const auto& policy :
       {route::port_policy_of_tcb_info(text), route::port_policy_of_compose(text)}) {
    if (!policy) continue;
    for (std::size_t i = 1; i < policy->rules.size(); ++i)
      DSTACK_ASSERT(policy->rules[i - 1].port < policy->rules[i].port);
    DSTACK_ASSERT(*route::parse_port_policy(route::to_json(*policy)) == *policy);
    if (policy->access == route::PortPolicy::Access::open) continue;
    DSTACK_ASSERT(route::judge_port({*policy, std::nullopt}, 0).answer ==
                  route::PortVerdict::Answer::closed);
  }
  return 0;
}
