#pragma once
/// PID 1 of the VM: boots in order, then serves until told to stop.

#include "guest/app.hpp"
#include "guest/data_disk.hpp"
#include "guest/events.hpp"
#include "guest/gateway_link.hpp"
#include "guest/host_link.hpp"
#include "guest/image_bundle.hpp"
#include "guestapi/guest.hpp"
#include "guestsite/kms_signer.hpp"
#include "guestsite/site.hpp"
#include "tee/tee.hpp"

namespace dstack::guest {

class Guest {
public:
  /// Never returns: the machine goes off in every case.
  [[noreturn]] static void run();

private:
  explicit Guest(std::unique_ptr<sys::Loop> loop) : loop_(std::move(loop)), processes_(*loop_) {}

  // The stages of guest_boot.cpp and guest_keys.cpp, in order.
  Status boot();
  Result<std::shared_ptr<std::optional<Finished>>>
  load_beside(const std::vector<std::string>& names);
  Status await_modules(const std::shared_ptr<std::optional<Finished>>& loading);
  Status open_host();
  Status open_tee(const std::string& wanted);
  Status start_helpers();
  Status read_configuration();
  Status measure();
  Status obtain_keys();
  Status keys_from_seed();
  Status keys_from_kms();
  Status bring_up_network();
  Status prepare_disk();
  Status start_containers();
  Status write_daemon_config();
  Status collect_app();
  Status run_init_scripts();
  Status prepare_images();
  Status start_app();
  Status load_images();

  // guest_api.cpp
  Status open_signer();
  Status seal_measurement();
  Status serve_guest_api();
  Status serve_world();

  // guest_gateway.cpp
  void open_gateway();
  Result<std::unique_ptr<GatewayLink>> make_gateway();
  void no_gateway(const std::string& why);
  void tell_of_gateway(std::string_view event, const std::string& text);
  void await_gateway();
  std::optional<codec::Json> gateway_status() const;

  // guest_serve.cpp
  void serve_host(const std::string& method, const codec::Json& params, const HostReply& reply);
  void serve_logs(const codec::Json& params, const HostReply& reply);
  void list_containers(const HostReply& reply);
  void request_shutdown();
  void watch_app();
  Status serve_until_stopped();

  void stage(std::string_view text);
  [[noreturn]] void give_up(const Error& error);

  std::unique_ptr<sys::Loop> loop_;
  Processes processes_;
  std::unique_ptr<HostLink> host_;
  std::unique_ptr<tee::Tee> tee_;
  tee::BootLog boot_log_; ///< read once: on TDX it costs a quote
  std::unique_ptr<Runtime> runtime_;
  std::map<std::string, std::string> cmdline_;
  SysConfig config_;
  InstanceInfo known_instance_;
  std::string app_compose_text_;
  Bytes encrypted_env_;
  compose::AppCompose app_;
  Identity identity_;
  std::optional<EventRecorder> recorder_;
  std::optional<keys::AppKeys> app_keys_;        ///< until api_ has them
  std::string key_provider_;                     ///< payload of that event
  std::string gateway_app_id_;                   ///< who may route to the app, by its KMS
  std::optional<kmsclient::Trusted> kms_;        ///< that gave the keys
  std::unique_ptr<guestsite::KmsSigner> signer_; ///< with kms_
  std::shared_ptr<guestapi::Guest> api_;
  guestsite::ExternalSite site_;
  AppFiles files_;
  std::unique_ptr<AppWatch> watch_;
  std::unique_ptr<GatewayLink> gateway_; ///< when the app asks for one
  std::string gateway_problem_;          ///< why there is none even so
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
  std::shared_ptr<std::optional<Finished>> crypto_loading_;
  std::shared_ptr<std::optional<Finished>> network_loading_;
  std::shared_ptr<std::optional<Finished>> wireguard_loading_; ///< when the app asks for a gateway
  std::optional<ImageBundle> bundle_;
  std::optional<Error> failed_;
  bool keys_return_ = false; ///< after a restart; else the data disk starts empty
  bool network_up_ = false;
  bool booted_ = false;
  bool stop_requested_ = false;
};

} // namespace dstack::guest
