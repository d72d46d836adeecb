#pragma once
/// Who gets keys: a TOML file an operator can read, applied without I/O. What it does not name is
/// refused, and an empty list names nothing.

#include "kms/boot_info.hpp"
#include "verify/policy.hpp"
#include "verify/verdict.hpp"

namespace dstack::kms {

inline constexpr std::size_t max_policy = std::size_t{1} << 20U;

/// Digests, or anything: "any" has to be written, an empty list is never that.
struct Allowed {
  bool any = false;
  std::vector<std::string> values{}; ///< hex, lower-case
  bool operator==(const Allowed&) const = default;
};

/// [evidence]
struct EvidenceRules {
  bool simulated = false;                      ///< evidence of a simulated TEE counts
  std::vector<std::string> tees{"dstack-tdx"}; ///< variants that get keys
  std::vector<std::string> tcb{"UpToDate"};    ///< accepted, by the vendor's names
  std::vector<std::string> advisories{};       ///< accepted ids; "*" is any
  bool operator==(const EvidenceRules&) const = default;
};

/// [[image]]
struct ImageRule {
  std::string name{};
  std::string hash{}; ///< os_image_hash, hex
  /// Values the image may give, by register: "mrtd", "rtmr0" to "rtmr2", "measurement" (SEV-SNP).
  std::vector<std::pair<std::string, std::vector<std::string>>> registers{};
  unsigned line = 0;
};

/// [kms]: which systems may be a KMS and get the root keys.
struct KmsRules {
  Allowed mr_aggregated{};
  Allowed devices{};
  bool operator==(const KmsRules&) const = default;
};

/// [[app]]
struct AppRule {
  std::string id{};
  std::string name{};
  std::vector<std::string> compose{};
  Allowed devices{true, {}}; ///< any unless given
  std::uint32_t epoch = 0;   ///< of its keys; 0 is the compatible derivation
  unsigned line = 0;
};

struct Webhook {
  std::string url{}; ///< may hold credentials: show it through redact_url
  std::uint64_t timeout_ms = 5000;
  bool operator==(const Webhook&) const = default;
};

/// The DstackKms contract, read through a node that is believed (spec kms 11.5, 12).
struct Chain {
  std::string rpc{}; ///< may hold credentials, in its path too: show it through scheme_and_host
  std::string contract{}; ///< "0x" and 40 hex digits, lower-case
  std::uint64_t chain_id = 0;
  std::uint64_t confirmations = 0; ///< read that many blocks below the head; 0: the latest
  std::uint64_t timeout_ms = 5000; ///< for all that is asked about one caller
  bool operator==(const Chain&) const = default;
};

/// Whose rules decide. [evidence] and the image's registers hold whoever does.
enum class Rules {
  file,
  webhook, ///< only the webhook is asked about apps, images and devices
  chain,   ///< only the contract is
  both     ///< the file and it must agree; what a webhook or contract in the file means by itself
};
std::string_view name_of(Rules rules);

struct Policy {
  std::string name{}; ///< the file's
  std::string gateway_app_id{};
  Rules rules = Rules::file;
  std::optional<Webhook> webhook{}; ///< this or chain is there unless the file decides alone
  std::optional<Chain> chain{};
  std::vector<std::uint32_t> retired_epochs{};
  EvidenceRules evidence{};
  std::vector<ImageRule> images{};
  KmsRules kms{};
  std::vector<AppRule> apps{};

  /// Whether what the file lists (images, apps, systems that may be a KMS) decides.
  bool lists_decide() const { return rules == Rules::file || rules == Rules::both; }
  const ImageRule* find_image(std::string_view hash_hex) const;
  const AppRule* find_app(std::string_view id_hex) const;
};

/// Unknown keys, values of another kind or size and ids given twice are refused with their line.
Result<Policy> policy_from_toml(std::string_view text, std::string_view name);

struct Decision {
  bool allowed = false;
  std::string reason{};                ///< of the first rule that says no; empty when allowed
  std::string gateway_app_id{};        ///< also with a refusal, as webhooks answer it
  std::uint32_t epoch = 0;             ///< whose keys the app gets
  std::vector<verify::Check> checks{}; ///< every rule, looked at or not
};

/// What the file says. With Rules::webhook and Rules::chain only what holds in any case.
Decision decide(const Policy& policy, Role role, const BootInfo& info);
/// Whether the image is what it is called: its registers against the file's. Asked after decide
/// said yes and before any key is derived; os_image_hash is a claim until then (spec kms 10).
Decision judge_image(const Policy& policy, const BootInfo& info);
/// Both must agree. The other decision is that of a webhook (decision_of) or a contract
/// (ask_chain), as `who` says.
Decision both_of(Decision file, const Decision& other, std::string_view who);

/// What evidence must hold to before any of this is asked: no attribute flags, revocation lists at
/// hand, simulated only when [evidence] says so. TCB status and advisories are decide's to judge.
verify::Policy evidence_policy(const Policy& policy);

} // namespace dstack::kms
