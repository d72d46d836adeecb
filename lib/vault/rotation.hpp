#pragma once
/// Adding an epoch, with the line of the replication log that says so.

#include "vault/replication_file.hpp"
#include "vault/vault.hpp"

namespace dstack::vault {

struct Rotation {
  /// What the disk has now, when that is more than it was called with, also after a failure: who
  /// has the root open goes on with this one.
  std::optional<OpenRoot> root{};
  Status done = ok(); ///< why there is no epoch, or no line of it
};
Rotation add_epoch(const Vault& vault, const OpenRoot& from, ReplicationFile& log, Time now);

/// The keys of another replica, and what to call it in the log.
struct Replica {
  const RootMaterial& material;
  std::string name{};
};
/// Takes the epochs that it has beyond ours; when there are none, there is no root and no error.
Rotation take_epochs(const Vault& vault,
                     const OpenRoot& from,
                     const Replica& replica,
                     ReplicationFile& log,
                     Time now);

} // namespace dstack::vault
