#include "agents/gateway/policy_fetch.hpp"

#include "net/local_http.hpp"
#include "sys/sockets.hpp"

namespace dstack::gatewaynode {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds timeout{10'000}; // spec gateway 10
constexpr unsigned max_tries = 5;
constexpr milliseconds first_pause{1'000};
constexpr milliseconds longest_pause{30'000};
constexpr std::size_t max_answer = std::size_t{4} << 20U;

/// Errc::malformed is for good: the agent has said what it has to say.
Result<route::PortPolicy> fetch(const route::Endpoint& agent)
{
  const sys::Fd fd = TRY(sys::connect_tcp(agent.address.text(), agent.port, timeout));
  http::Request request;
  request.method = "POST";
  request.target = "/prpc/Info?json";
  request.body = "{}";
  request.keep_alive = false;
  net::LocalLimits limits{timeout, {}};
  limits.message.max_body_bytes = max_answer;
  const http::Response answer = TRY(net::exchange(fd.get(), request, limits));
  constexpr int good = 200;
  if (answer.status != good) return fail(Errc::io, "HTTP {}", answer.status);
  const auto info = TRY(codec::parse_json(answer.body));
  return route::port_policy_of_tcb_info(TRY(info.get_string("tcb_info", "")));
}

} // namespace

void PolicyFetch::want(const std::string& instance)
{
  if (under_way_.insert(instance).second) ask(instance, 1);
}

void PolicyFetch::ask(const std::string& instance, unsigned tries)
{
  const route::RegistryEntry* known = hooks_.find(instance);
  if (known == nullptr || known->policies.effective() != nullptr) {
    under_way_.erase(instance);
    return;
  }
  const auto agent = hooks_.agent(*known);
  if (!agent)
    return again(instance, tries, fail(Errc::not_found, "its guest agent is not reached"));
  using Answer = Result<route::PortPolicy>;
  const auto answer = std::make_shared<Answer>(fail(Errc::internal, "not asked"));
  const bool taken =
      workers_.run([answer, at = *agent] { *answer = fetch(at); },
                   [this, answer, entry = *known, tries] { answered(entry, *answer, tries); });
  if (!taken) again(instance, tries, fail(Errc::timeout, "too much else is to be done"));
}

void PolicyFetch::answered(const route::RegistryEntry& entry,
                           const Result<route::PortPolicy>& policy,
                           unsigned tries)
{
  if (!policy) {
    const bool for_good = policy.error().code() == Errc::malformed;
    return again(entry.instance_id, for_good ? max_tries : tries, policy.error());
  }
  under_way_.erase(entry.instance_id);
  hooks_.fetched(entry, *policy);
}

void PolicyFetch::again(const std::string& instance, unsigned tries, const Error& why)
{
  if (tries >= max_tries) {
    under_way_.erase(instance);
    log_.warning("policy", "not known, so its ports stay closed: " + why.message(),
                 {{"instance", instance}});
    return;
  }
  const milliseconds pause = std::min(first_pause * (1U << (tries - 1)), longest_pause);
  loop_.after(pause, [this, instance, tries] { ask(instance, tries + 1); });
}

} // namespace dstack::gatewaynode
