#pragma once
/// What requests are answered from. Each takes one snapshot and keeps it to its end.

#include "kms/audit.hpp"
#include "kms/policy.hpp"
#include "kms/webhook.hpp"
#include "kmsapi/caller.hpp"
#include "vault/vault.hpp"

namespace dstack::kmsapi {

/// How this KMS runs; fixed from its start.
struct Arrangement {
  std::vector<std::string> domains{}; ///< its own; nobody gets a certificate for them
  bool self_authorization = true;     ///< the KMS itself must be allowed by its policy
  bool release_sev_snp = false;       ///< keys for SEV-SNP guests
  bool development = false;           ///< told in GetMeta
};

struct State {
  std::shared_ptr<const vault::OpenRoot> root{}; ///< nullptr: sealed
  std::shared_ptr<const kms::Policy> policy{};   ///< never nullptr
  std::string policy_digest{};                   ///< SHA-256 of its file, hex: which rules decided
  /// What the KMS' own evidence proves, verified like any other; an error says why there is none.
  Result<std::shared_ptr<const kms::BootInfo>> self = Error{Errc::not_found, "not attested yet"};
  codec::Json bootstrap_info{}; ///< null when the keys' birth was not attested
};

/// What the service needs done. Called from any worker thread, several at a time; everything has
/// its own deadline.
struct Outside {
  std::function<Time()> now{};
  /// A trusted verdict on evidence for this report data, under the policy's rules for evidence.
  std::function<Result<verify::Proven>(
      const attest::Evidence&, const verify::BoundData&, const kms::Policy&)>
      prove{};
  /// What the file says, with the webhook or contract it names. Errors are those of asking.
  std::function<Result<kms::Decision>(const kms::Policy&, kms::Role, const kms::BootInfo&)>
      decide{};
  /// Of a policy that names a webhook.
  std::function<Result<kms::WebhookInfo>(const kms::Policy&)> webhook_info{};
  /// On the disk when it returns.
  std::function<Status(const kms::AuditRecord&)> record{};
  /// The root keys are about to leave to this caller; on the disk when it returns.
  std::function<Status(const State&, const Caller&, const kms::BootInfo&)> replicated{};
  /// The share file held for that cluster; Errc::not_found when there is none.
  std::function<Result<std::string>(ByteView cluster)> held_share{};
};

} // namespace dstack::kmsapi
