#pragma once
/// Opening the root of a KMS from the command line: with its passphrase, or with custodians'
/// shares.

#include "cli/tree.hpp"
#include "vault/share_file.hpp"
#include "vault/vault.hpp"

namespace dstack::cli {

/// What opens share files that are encrypted.
struct ShareKeyFiles {
  std::vector<std::string> passphrases;
  std::vector<std::string> keys;
};
/// --share-passphrase-file, --share-key-file
void add_share_key_options(Leaf& leaf, ShareKeyFiles& files);

struct OpeningOptions {
  std::string passphrase_file;
  std::vector<std::string> shares;
  ShareKeyFiles share_keys;
};
/// --passphrase-file, --share, and those of the shares
void add_opening_options(Leaf& leaf, OpeningOptions& options);

/// "-" is stdin.
Result<SecretBytes> passphrase_from(const std::string& file);
/// None, one for all, or one for each, in their order.
Result<std::vector<SecretBytes>> passphrases_from(const std::vector<std::string>& files,
                                                  std::size_t wanted);

/// Each checked against the commitments beside it. Errors name the file.
Result<std::vector<vault::CustodianShare>> open_shares(const std::vector<std::string>& files,
                                                       const ShareKeyFiles& with);

Result<vault::OpenRoot>
open_root(const vault::Vault& vault, const OpeningOptions& options, std::int64_t now);

/// "a passphrase", "any 2 of alice, bob, carol"
std::string describe(const vault::Custody& custody);

} // namespace dstack::cli
