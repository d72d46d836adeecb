#include "agents/kms/judge.hpp"

#include "agents/kms/version.hpp"

namespace dstack::kmsnode {

namespace {

fetch::ClientLimits limits_of(const kms::Webhook& webhook)
{
  fetch::ClientLimits out;
  out.total = std::chrono::milliseconds{webhook.timeout_ms};
  out.connect = out.total;
  out.max_body = kms::max_webhook_body;
  return out;
}

fetch::ClientRequest request_for(std::string method, std::string url)
{
  fetch::ClientRequest out;
  out.method = std::move(method);
  out.url = std::move(url);
  out.headers = {{"User-Agent", fmt::format("dstack-kms/{}", product_version)}};
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
  const kms::Webhook& webhook = *policy.webhook;
  const std::string url = kms::boot_auth_url(webhook.url, role);
  fetch::ClientRequest request = request_for("POST", url);
  request.headers.push_back({"Content-Type", "application/json"});
  request.body = kms::to_text(info);
  const auto answer = client_.send(request, limits_of(webhook));
  if (!answer) return kms::webhook_failed(url, answer.error());
  const kms::Decision said =
      TRY(kms::decision_of(url, static_cast<unsigned>(answer->status), answer->body));
  return kms::both_of(std::move(file), said);
}

Result<kms::WebhookInfo> Judge::webhook_info(const kms::Policy& policy)
{
  const kms::Webhook& webhook = *policy.webhook;
  const auto answer = client_.send(request_for("GET", webhook.url), limits_of(webhook));
  if (!answer) return kms::webhook_failed(webhook.url, answer.error());
  return kms::webhook_info_of(webhook.url, static_cast<unsigned>(answer->status), answer->body);
}

} // namespace dstack::kmsnode
