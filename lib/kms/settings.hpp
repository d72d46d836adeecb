#pragma once
/// DIR/kms.toml: how a KMS runs. Who gets keys is policy.toml's (kms/policy.hpp); who can open the
/// root is told by the root itself (vault/custody.hpp). Relative paths are below DIR.

#include "base/bytes.hpp"

#include <chrono>
#include <vector>

namespace dstack::kms {

inline constexpr std::size_t max_settings = std::size_t{256} << 10U;

struct ListenAddress {
  std::string address = "127.0.0.1"; ///< numeric
  std::uint16_t port = 8000;
  bool operator==(const ListenAddress&) const = default;
};
/// "127.0.0.1:8000", "[::]:8000"
Result<ListenAddress> parse_listen(std::string_view text);
std::string to_text(const ListenAddress& listen);

/// [limits]
struct ServerBounds {
  std::uint64_t connections = 4096;
  std::uint64_t per_address = 64;          ///< connections from one address; 0: no limit
  std::uint64_t requests_per_minute = 600; ///< from one address, in all; 0: no limit
  std::uint64_t workers = 0;               ///< verifying and deriving; 0: 2 a processor, 8 at least
  std::uint64_t queue = 256;               ///< requests that wait for a worker
  std::chrono::milliseconds request{10'000}; ///< for a handshake, and for a request
  bool operator==(const ServerBounds&) const = default;
};

/// [collateral]
struct CollateralSettings {
  std::string pccs_url{};               ///< empty: Intel's service
  std::string kds_url{};                ///< empty: AMD's service
  std::string directory = "collateral"; ///< kept answers
  bool offline = false;                 ///< only what is in the directory
  /// Directory of this machine's simulated TEE, whose root counts where the policy allows simulated
  /// evidence; empty: the starter says where it is, if there is one.
  std::string simulated_tee{};
  bool operator==(const CollateralSettings&) const = default;
};

/// [[custody.peer]]: another KMS that holds a share for this one and is asked for it at start.
struct CustodianPeer {
  std::string url{};
  std::string name{}; ///< the custodian's, as in the shares
  bool operator==(const CustodianPeer&) const = default;
};

struct Settings {
  /// A development arrangement: what weakens a KMS is refused without it, and GetMeta says is_dev.
  bool development = false;
  ListenAddress listen{};
  std::vector<std::string> domains{"localhost", "127.0.0.1", "10.0.2.2"};
  std::string agent{}; ///< of the guest agent; empty: DSTACK_AGENT_ADDRESS, then the usual sockets
  std::string policy_file = "policy.toml";
  std::string audit_file = "audit.jsonl";
  std::string admin_socket = "admin.sock"; ///< owner-only
  bool metrics = true;                     ///< GET /metrics for everybody
  bool release_sev_snp = false;            ///< keys for SEV-SNP guests, which the policy must allow
  bool self_authorization = true;     ///< the policy must allow this KMS, too; else development
  bool attest_rpc_certificate = true; ///< else development, and nobody can onboard from it
  std::chrono::milliseconds self_refresh{
      3'600'000}; ///< how old its own attestation gets; 1 min at least

  /// [custody]
  std::string passphrase_file{}; ///< owner-only; empty: the starter names one, or shares come in
  std::vector<CustodianPeer> custodian_peers{};

  CollateralSettings collateral{};
  ServerBounds limits{};
  bool operator==(const Settings&) const = default;
};

/// Errc::config with the line: unknown keys, wrong kinds, values out of range, domains that cannot
/// be written into a certificate. Unset keys have the values above.
Result<Settings> settings_from_toml(std::string_view text, std::string_view name);

/// What `dstack kms init` writes: every key with a word on it; reading it gives the same settings.
std::string settings_text(const Settings& settings);

enum class Arrangement { production, development };
/// policy.toml for a start: it grants nothing and shows how to. For development it allows simulated
/// evidence, and says so loudly.
std::string policy_text(Arrangement arrangement);

} // namespace dstack::kms
