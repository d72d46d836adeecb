#pragma once
/// What the command line says about how an app is booted; part of what is measured.

#include "cli/tree.hpp"
#include "compose/app_compose.hpp"

namespace dstack::cli {

struct BootOptions {
  std::string key_provider;              ///< "" as before, or none for a new app
  std::string kms_root;                  ///< hex or file; "" as before
  std::vector<std::string> allow_envs;   ///< names; none: as before
  std::vector<std::string> init_scripts; ///< files
  std::string pre_launch_script;         ///< file
  std::uint64_t swap_bytes = 0;
  std::string event_log; ///< "" as before, or 1 for a new app
  bool gateway = false;  ///< of --gateway; false: as before, or none for a new app

  bool any() const;
};

void add_boot_options(Leaf& leaf, BootOptions& options);

/// Reads the files named. before: the app that a VM runs already, whose settings stay where the
/// command line says nothing; null for a new app.
Status fill_boot_options(const BootOptions& options,
                         const compose::AppCompose* before,
                         compose::BuildOptions& build);

/// The variables that a key provider's key decrypts for the app.
Result<std::vector<std::string>> allowed_envs(const BootOptions& options,
                                              const compose::AppCompose* before);

/// The value of --kms-root: 182 hex digits of the key, or a file with the certificate.
Result<Bytes> read_kms_root(const std::string& value);

} // namespace dstack::cli
