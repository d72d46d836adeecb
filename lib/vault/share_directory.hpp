#pragma once
/// Shares on their way to the custodians: one owner-only file each in a directory.

#include "vault/crash.hpp"
#include "vault/share_file.hpp"

namespace dstack::vault {

/// "<cluster>-<custodian>.json" each, on the disk when this returns. passphrases: none for open
/// files, else one for each share, in their order. A file that is there already is refused.
Status write_share_files(const sys::fs::path& directory,
                         const std::vector<CustodianShare>& shares,
                         const std::vector<SecretBytes>& passphrases,
                         const crypto::PassphraseCost& cost,
                         const FailPoints& points);

/// Deletes the files of a cluster whose root never came to count; others stay.
Status remove_share_files(const sys::fs::path& directory, const ClusterId& cluster);

} // namespace dstack::vault
