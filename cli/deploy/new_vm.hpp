#pragma once
/// A VM that is not there yet, whatever app it gets: options, plan, birth, first start.

#include "cli/deploy/create.hpp"
#include "cli/deploy/kms.hpp"
#include "cli/deploy/launch.hpp"
#include "cli/deploy/placement.hpp"
#include "cli/deploy/prediction.hpp"

namespace dstack::cli {

struct NewVmOptions {
  SettingOptions settings;
  LaunchOptions launch;
  std::string name; ///< empty: from the app's
  std::vector<std::string> ports;
  PlacementOptions placement;
  std::string restart = "no";
  std::uint64_t boot_timeout_ms = 300'000;
  bool skip_image_check = false;
  bool dry_run = false;
};
/// --port, --dry-run and what the machine is like.
void add_new_vm_options(Leaf& leaf, NewVmOptions& options);
/// What can be said without looking at the app.
Status check(const NewVmOptions& options);

enum class Images { pulled, carried }; ///< by the guest, or on a disk of the VM

struct NewVm {
  App app;
  Images images = Images::pulled;
  std::optional<KmsChoice> kms{};
  std::vector<std::string> gateway_urls{};
  std::optional<Bytes> encrypted_env{};
  std::optional<Bytes> user_config{};
  osbuild::ImageInfo image{};
  store::VmSpec spec{};
  std::optional<Predicted> predicted{}; ///< of a confidential VM
};

/// Fills image and spec: everything that can go wrong before a VM exists. Says on stderr what it
/// will be.
Status plan_vm(const NewVmOptions& options,
               Context& ctx,
               const config::Config& config,
               NewVm& vm,
               Stages& stages);
/// What --dry-run prints.
Exit print_plan(Context& ctx, const NewVm& vm);
/// Makes the VM, starts it and prints how that went, as a document of that schema if wanted.
Result<Exit> bring_up(const NewVmOptions& options,
                      Context& ctx,
                      const config::Config& config,
                      const NewVm& vm,
                      Stages& stages,
                      std::string_view schema);

} // namespace dstack::cli
