#pragma once
/// What policy file and webhook or contract say together. These are asked every time, with a
/// deadline; no answer is a refusal (spec kms 11, 18.3).

#include "fetch/http_client.hpp"
#include "kms/chain.hpp"
#include "kms/webhook.hpp"
#include "kmsapi/metrics.hpp"

namespace dstack::kmsnode {

class Judge {
public:
  explicit Judge(kmsapi::Metrics& metrics) : metrics_(metrics) {}

  /// Any thread may ask. Errors are those of asking webhook or contract, and refuse.
  Result<kms::Decision>
  decide(const kms::Policy& policy, kms::Role role, const kms::BootInfo& info);
  Result<kms::WebhookInfo> webhook_info(const kms::Policy& policy);

private:
  Result<kms::Decision>
  ask_webhook(const kms::Webhook& webhook, kms::Role role, const kms::BootInfo& info);
  Result<kms::Decision>
  ask_contract(const kms::Chain& chain, kms::Role role, const kms::BootInfo& info);
  Result<kms::Decision> weigh(const kms::Policy& policy, kms::Role role, const kms::BootInfo& info);

  fetch::HttpClient client_;
  kmsapi::Metrics& metrics_;
};

} // namespace dstack::kmsnode
