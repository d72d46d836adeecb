#pragma once
/// DIR/kms.toml: how a KMS runs. Who gets keys is policy.toml's (kms/policy.hpp); what keeps the
/// root at rest is told by the root itself (vault/custody.hpp). Relative paths are below DIR.

#include "base/bytes.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace dstack::kms {

inline constexpr std::size_t max_settings = std::size_t{256} << 10U;

struct ListenAddress {
  std::string address = "127.0.0.1"; ///< numeric
  std::uint16_t port = 8000;
};

/// [limits]
struct ServerBounds {
  std::uint64_t connections = 4096;
  std::uint64_t per_address = 64;            ///< connections from one address; 0: no limit
  std::uint64_t requests_per_minute = 600;   ///< from one address, in all; 0: no limit
  std::uint64_t workers = 0;                 ///< verifying and deriving; 0: one for each processor
  std::uint64_t queue = 256;                 ///< requests that wait for a worker
  std::chrono::milliseconds request{10'000}; ///< handshake and request, each
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
};

/// [[custody.peer]]: other KMS that hold a share for this one and are asked for it at start.
struct CustodianPeer {
  std::string url{};
  std::string name{}; ///< the custodian's, as in the shares
};

struct Settings {
  /// true: a development arrangement. Simulated evidence can be allowed by the policy, and
  /// GetMeta says is_dev.
  bool development = false;
  ListenAddress listen{};
  std::vector<std::string> domains{"localhost", "127.0.0.1", "10.0.2.2"};
  std::string policy_file = "policy.toml";
  std::string audit_file = "audit.jsonl";
  std::string admin_socket = "admin.sock"; ///< mode 0600
  std::string
      agent{}; ///< address of the guest agent; empty: DSTACK_AGENT_ADDRESS, then the usual sockets
  bool metrics = true; ///< GET /metrics on the main listener
  bool attest_rpc_certificate =
      true; ///< false: only with development; others cannot onboard from it
  /// The KMS itself must be allowed by its policy, on every request. false: only with development.
  bool self_authorization = true;
  bool release_sev_snp = false; ///< keys for SEV-SNP guests (spec kms 2.1, the release gate)
  /// How often the KMS attests itself anew, with a new key and certificate; a minute at least.
  std::chrono::milliseconds self_refresh{3'600'000};

  /// [custody]
  std::string
      passphrase_file{}; ///< owner-only; empty: the starter hands it over, or shares come in
  std::vector<CustodianPeer> custodian_peers{};

  CollateralSettings collateral{};
  ServerBounds limits{};
};

/// Errc::config with the line: unknown keys, wrong kinds, values out of range, domains that cannot
/// be written into a certificate. Unset keys have the values above.
Result<Settings> settings_from_toml(std::string_view text, std::string_view name);

/// "127.0.0.1:8000", "[::1]:8000"; port 0 is any.
Result<ListenAddress> parse_listen(std::string_view text);

/// What `dstack kms init` writes: every key with a word on it.
std::string settings_template(const Settings& settings);
/// policy.toml for a start: it grants nothing and shows how to. With development it allows
/// simulated evidence and says so.
std::string policy_template(bool development);

} // namespace dstack::kms
