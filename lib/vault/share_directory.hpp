#pragma once
/// Shares on their way to the custodians: one owner-only file each in a directory.

#include "vault/crash.hpp"
#include "vault/share_file.hpp"

namespace dstack::vault {

/// What a share is kept under: a custodian's key, else a passphrase, else nothing.
struct ShareLock {
  std::optional<crypto::BoxPublic> to{};
  SecretBytes passphrase{};
  crypto::PassphraseCost cost{};
};

/// "bob", or "bob=<64 hex digits>" when bob's share is to be sealed to his key.
struct NamedCustodian {
  std::string name{};
  std::optional<crypto::BoxPublic> key{};
};
Result<NamedCustodian> parse_custodian(std::string_view text);
Result<std::vector<NamedCustodian>> parse_custodians(const std::vector<std::string>& texts);
std::vector<std::string> names_of(const std::vector<NamedCustodian>& custodians);
/// Their keys, for write_share_files; open where one has none.
std::vector<ShareLock> locks_of(const std::vector<NamedCustodian>& custodians);

/// "<cluster>-<custodian>.json" each, on the disk when this returns. locks: none for open files,
/// else one for each share, in their order. A file that is there already is refused.
Status write_share_files(const sys::fs::path& directory,
                         const std::vector<CustodianShare>& shares,
                         const std::vector<ShareLock>& locks,
                         const FailPoints& points);

/// Deletes the files of a sharing whose root never came to count. Others stay, also those of the
/// same cluster: each of its replicas has a sharing of its own.
Status
remove_share_files(const sys::fs::path& directory, const ClusterId& cluster, const Circle& circle);

} // namespace dstack::vault
