#pragma once
/// What a gateway keeps: DIR/gateway.db. Every call that changes something has done so on the disk
/// when it returns. Any thread.

#include "base/secret.hpp"
#include "database/database.hpp"
#include "gateway/view.hpp"

#include <set>

namespace dstack::gatewaynode {

struct StoredFleet {
  std::vector<route::RegistryEntry> entries{}; ///< oldest first, with what operators set
  std::set<std::string> drained{};             ///< instances
};

struct StoredAccount {
  std::string directory_url{};
  std::string url{};
  SecretBytes key_der{};
};

struct StoredCertificate {
  std::string domain{};
  std::string chain_pem{};
  std::string key_pem{}; ///< secret
  Time issued{};
};

class State {
public:
  static Result<std::unique_ptr<State>> open(const sys::fs::path& file);

  Result<StoredFleet> fleet();
  /// What instances own of their records; what operators set stays.
  Status save(const std::vector<route::RegistryEntry>& entries,
              const std::vector<std::string>& removed);
  Status set_admin_policy(const std::string& instance,
                          const std::optional<route::PortPolicy>& policy);
  Status set_drained(const std::string& instance, bool drained);

  /// Made when it is not there yet, and then the same for ever.
  Result<Bytes> identifier(const std::string& name, std::size_t size);
  Result<std::optional<std::string>> setting(const std::string& name);
  Status set_setting(const std::string& name, const std::string& value);

  Result<std::vector<gateway::DomainSettings>> domains();
  Status add_domain(const gateway::DomainSettings& domain);
  /// Errc::not_found when it was not added.
  Status delete_domain(const std::string& name);

  Result<std::vector<StoredCertificate>> certificates();
  Status save_certificate(const StoredCertificate& certificate);
  /// Of an authority's directory.
  Result<std::optional<StoredAccount>> account(const std::string& directory_url);
  Status save_account(const StoredAccount& account);

  /// subject: "zt-cert:<domain>" or "acme-account:<url>". Newest first; limit 0: all.
  Result<std::vector<gateway::Attested>> attestations(const std::string& subject,
                                                      std::size_t limit);
  Status add_attestation(const std::string& subject, const gateway::Attested& one);

private:
  explicit State(std::unique_ptr<database::Database> db) : db_(std::move(db)) {}
  Status save_one(const route::RegistryEntry& entry);

  std::unique_ptr<database::Database> db_;
};

} // namespace dstack::gatewaynode
