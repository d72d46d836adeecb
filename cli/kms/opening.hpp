#pragma once
/// Opening the root of a KMS from the command line: with its passphrase, or with custodians'
/// shares.

#include "cli/tree.hpp"
#include "vault/vault.hpp"

namespace dstack::cli {

struct OpeningOptions {
  std::string passphrase_file;
  std::vector<std::string> shares;
  std::vector<std::string> share_passphrase_files;
};

/// --passphrase-file, --share, --share-passphrase-file
void add_opening_options(Leaf& leaf, OpeningOptions& options);

/// "-" is stdin.
Result<SecretBytes> passphrase_from(const std::string& file);
/// None, one for all, or one for each, in their order.
Result<std::vector<SecretBytes>> passphrases_from(const std::vector<std::string>& files,
                                                  std::size_t wanted);

Result<vault::OpenRoot>
open_root(const vault::Vault& vault, const OpeningOptions& options, std::int64_t now);

/// "a passphrase", "any 2 of alice, bob, carol"
std::string describe(const vault::Custody& custody);

} // namespace dstack::cli
