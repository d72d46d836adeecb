#include "base/text.hpp"
#include "guest/app_environment.hpp"
#include "guest/app_seed.hpp"
#include "guest/config_id.hpp"
#include "guest/config_share.hpp"
#include "guest/console.hpp"
#include "guest/guest.hpp"
#include "guest/kms_keys.hpp"
#include "guest/network.hpp"
#include "guest/swap.hpp"
#include "sys/clock.hpp"

namespace dstack::guest {

namespace {

/// A local key provider verifies our quote and fetches collateral: 30 s each way (spec kms 16).
constexpr std::chrono::milliseconds key_deadline{75'000};

} // namespace

/// Keys and the events that tell of them. What the host fixed before the start must agree before
/// anything is unlocked with a key.
Status Guest::obtain_keys()
{
  boot_log_ = TRY(tee_->boot().within("registers and firmware event log"));
  stage("requesting app keys");
  const bool kms = app_.key_provider == compose::KeyProvider::kms;
  TRY((kms ? keys_from_kms() : keys_from_seed()).within("app keys"));
  TRY(check_config_id(boot_log_.registers, identity_, app_, key_provider_, config_.mr_config));
  return recorder_->record("key-provider", as_bytes(key_provider_));
}

Status Guest::keys_from_seed()
{
  const auto ask = [this](std::string_view method, codec::Json params) {
    return host_->call(method, std::move(params), key_deadline);
  };
  const AppSeed seed = TRY(obtain_seed(*tee_, ask, app_, identity_, sys::now()));
  app_keys_ = TRY(keys::from_seed(seed.seed));
  key_provider_ = seed.provider;
  keys_return_ = seed.life == SeedLife::returns;
  return ok();
}

/// The only key provider that is asked over the network, which is not otherwise needed yet.
Status Guest::keys_from_kms()
{
  TRY(bring_up_network());
  auto attest = attestations(*tee_, boot_log_.events, recorder_->events(), config_.vm_config);
  KmsKeys keys = TRY(request_kms_keys(std::move(attest), app_, identity_, config_, sys::now()));
  console_stage(guest_name, fmt::format("the KMS at {} gave the keys{}", keys.kms.urls.front().text,
                                        app_.key_provider_id.empty() ? "; the app pins none" : ""));
  TRY(recorder_->record("os-image-hash", keys.os_image_hash));
  key_provider_ = std::move(keys.provider);
  gateway_app_id_ = std::move(keys.gateway_app_id);
  kms_ = std::move(keys.kms);
  keys_return_ = true;
  auto environment = TRY(open_environment(encrypted_env_, keys.env_crypt_key, app_.allowed_envs));
  for (const std::string& name : environment.dropped)
    console_stage(guest_name, fmt::format("variable {} is dropped: allowed_envs does not name it",
                                          printable(name)));
  files_.environment = std::move(environment.kept);
  app_keys_ = std::move(keys.app);
  return ok();
}

Status Guest::prepare_disk()
{
  TRY(recorder_->record("storage-fs", as_bytes("ext4")));
  const auto named = cmdline_.find("dstack.data_device");
  DataDisk disk = TRY(find_data_disk(named == cmdline_.end() ? "" : named->second));
  if (!keys_return_ && disk.state == DiskState::luks) {
    console_stage(guest_name, "no key provider keeps the key of the data disk: it starts empty");
    disk.state = DiskState::empty;
  }
  stage(disk.state == DiskState::empty ? "initializing data disk" : "mounting data disk");
  TRY(await_modules(crypto_loading_));
  TRY(open_data_disk(processes_, disk, app_keys_->disk_crypt_key));
  app_keys_->disk_crypt_key = {}; // the other keys stay, to answer the app
  host_->notify("instance.info",
                write_instance_info(identity_.seed, identity_.instance_id, identity_.app_id));
  TRY(start_swap(data_mount_point, app_.swap_bytes));
  TRY(recorder_->record("system-ready", {}));
  stage("data disk ready");
  TRY(write_environment(host_shared_copies, files_.environment).within("environment"));
  TRY(write_app_files(files_).within("app files"));
  return run_init_scripts();
}

Status Guest::bring_up_network()
{
  if (network_up_) return ok();
  TRY(await_modules(network_loading_));
  if (config_.network) TRY(configure_network(*config_.network).within("network"));
  TRY(configure_more_networks(config_.more_networks).within("network"));
  network_up_ = true;
  return ok();
}

} // namespace dstack::guest
