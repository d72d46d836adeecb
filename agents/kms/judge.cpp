#include "agents/kms/judge.hpp"

#include "agents/kms/version.hpp"
#include "sys/clock.hpp"

namespace dstack::kmsnode {

namespace {

fetch::ClientLimits limits_of(std::chrono::milliseconds left, std::size_t max_body)
{
  fetch::ClientLimits out;
  out.total = left;
  out.connect = out.total;
  out.max_body = max_body;
  return out;
}

fetch::ClientLimits limits_of(const kms::Webhook& webhook)
{
  return limits_of(std::chrono::milliseconds{webhook.timeout_ms}, kms::max_webhook_body);
}

fetch::ClientRequest request_for(std::string method, std::string url)
{
  fetch::ClientRequest out;
  out.method = std::move(method);
  out.url = std::move(url);
  out.headers = {{"User-Agent", fmt::format("dstack-kms/{}", product_version)}};
  return out;
}

fetch::ClientRequest post_json(const std::string& url, std::string body)
{
  fetch::ClientRequest out = request_for("POST", url);
  out.headers.push_back({"Content-Type", "application/json"});
  out.body = std::move(body);
  return out;
}

} // namespace

Result<kms::Decision>
Judge::decide(const kms::Policy& policy, kms::Role role, const kms::BootInfo& info)
{
  auto decision = weigh(policy, role, info);
  auto& counters = metrics_.counters;
  if (!decision)
    ++counters.policy_unanswered;
  else
    ++(decision->allowed ? counters.policy_allowed : counters.policy_denied);
  return decision;
}

Result<kms::Decision>
Judge::weigh(const kms::Policy& policy, kms::Role role, const kms::BootInfo& info)
{
  kms::Decision file = kms::decide(policy, role, info);
  if (policy.rules == kms::Rules::file || !file.allowed) return file;
  if (policy.chain)
    return kms::both_of(std::move(file), TRY(ask_contract(*policy.chain, role, info)), "contract");
  return kms::both_of(std::move(file), TRY(ask_webhook(*policy.webhook, role, info)), "webhook");
}

Result<kms::Decision>
Judge::ask_webhook(const kms::Webhook& webhook, kms::Role role, const kms::BootInfo& info)
{
  const std::string url = kms::boot_auth_url(webhook.url, role);
  const auto answer = client_.send(post_json(url, kms::to_text(info)), limits_of(webhook));
  if (!answer) return kms::webhook_failed(url, answer.error());
  return kms::decision_of(url, static_cast<unsigned>(answer->status), answer->body);
}

Result<kms::Decision>
Judge::ask_contract(const kms::Chain& chain, kms::Role role, const kms::BootInfo& info)
{
  const sys::Deadline deadline{std::chrono::milliseconds{chain.timeout_ms}};
  return kms::ask_chain(
      chain, role, info, [&](const std::string& body) -> Result<kms::ChainAnswer> {
        auto answer = TRY(client_.send(post_json(chain.rpc, body),
                                       limits_of(deadline.left(), kms::max_chain_answer)));
        return kms::ChainAnswer{static_cast<unsigned>(answer.status), std::move(answer.body)};
      });
}

Result<kms::WebhookInfo> Judge::webhook_info(const kms::Policy& policy)
{
  const kms::Webhook& webhook = *policy.webhook;
  const auto answer = client_.send(request_for("GET", webhook.url), limits_of(webhook));
  if (!answer) return kms::webhook_failed(webhook.url, answer.error());
  return kms::webhook_info_of(webhook.url, static_cast<unsigned>(answer->status), answer->body);
}

} // namespace dstack::kmsnode
