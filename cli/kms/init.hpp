#pragma once
/// A new KMS directory: root, shares, settings and policy, all of it or none.

#include "cli/context.hpp"
#include "kms/settings.hpp"
#include "vault/vault.hpp"

namespace dstack::cli {

struct KmsInitOptions {
  std::string directory;
  std::vector<std::string> domains;
  std::string listen;
  std::string passphrase_file;
  std::vector<std::string> custodians;
  std::uint64_t custodian_count = 0;
  std::uint64_t threshold = 0;
  std::string shares_to;
  std::vector<std::string> share_passphrase_files;
  bool development = false;
  std::string crash_at;
};

struct InitialisedKms {
  vault::PublicRoot root{};
  vault::Custody custody{};
  kms::Settings settings{};
  std::vector<sys::fs::path> shares{}; ///< in the custodians' order
  unsigned open_shares = 0;            ///< how many of them anybody can use who reads the file
  bool settings_kept = false;          ///< kms.toml was there before
  bool policy_kept = false;
};

Result<InitialisedKms> init_kms(const KmsInitOptions& options, Context& ctx);

} // namespace dstack::cli
