#pragma once
/// The life of one VM on one event loop: start, boot, ready, stop, restart, end. The only writer of
/// state.json. Called from the loop's thread alone.

#include "agents/launch/log.hpp"
#include "agents/vm/events.hpp"
#include "agents/vm/guest_link.hpp"
#include "agents/vm/sealing_exchange.hpp"
#include "agents/vm/tee_service.hpp"
#include "agents/vm/vsock_listener.hpp"

namespace dstack::supervisor {

class Supervisor {
public:
  using Done = std::function<void(const Status&)>;
  struct Options {
    std::filesystem::path directory;      ///< of the VM, absolute
    std::filesystem::path data_directory; ///< holds the keys of the simulated TEE
    Settings settings;
  };
  Supervisor(sys::Loop& loop, Options options, launch::Log log, Events events);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Starts the VM; done is called when QEMU runs, or with what kept it from running.
  void start(Done done);
  /// Asks the guest to shut down; after timeout QEMU quits, then it is killed. done when it is
  /// over.
  void stop(std::chrono::milliseconds timeout, Done done);
  /// Stops, reads vm.json again and starts; done when QEMU runs again.
  void restart(std::chrono::milliseconds timeout, Done done);
  /// Ends QEMU at once.
  void kill_now();
  /// Called once the VM will not run again under this supervisor.
  void when_over(std::function<void(store::VmStatus)> action) { over_ = std::move(action); }

  const store::VmSpec& spec() const { return spec_; }
  const store::VmState& state() const { return state_; }
  Events& events() { return events_; }
  /// The guest channel, nullptr while there is none.
  GuestLink* guest() { return link_.get(); }

private:
  enum class Phase { idle, starting, up, stopping, pausing, over };

  void begin();
  Status launch();
  void on_ready();
  /// Before QEMU starts: which kind of channel this run has.
  vm::ChannelKind choose_channel();
  Status open_channel();
  Status use_channel(sys::Fd fd);
  void on_end(const QemuEnd& end);
  void on_deadline();
  void on_disk_full();
  void await_space();
  void fail_vm(const Error& error);
  std::string why_it_ended(const QemuEnd& end) const;
  bool emulator_stumbled(const QemuEnd& end) const;
  void finish(store::VmStatus status);
  void end_qemu();
  void clear_timers();

  Result<codec::Json> serve(const std::string& method, const codec::Json& params);
  void provide_sealing_key(const codec::Json& params, const GuestLink::Answer& answer);
  Result<codec::Json> on_hello();
  void on_notify(const std::string& event, std::string payload);
  void on_app_ready();
  void on_boot_error(const std::string& payload);
  Status on_instance_info(const std::string& payload);

  void stage(std::string_view name, std::string_view text);
  void save();
  void check_logs();
  void tell_started(const Status& status);
  void tell_stopped();

  sys::Loop& loop_;
  Options options_;
  store::VmPaths paths_;
  launch::Log log_;
  Events events_;
  store::VmSpec spec_;
  store::VmState state_;
  RestartBudget budget_;
  Phase phase_ = Phase::idle;
  std::unique_ptr<TeeService> tee_;
  std::unique_ptr<SealingExchange> sealing_;
  std::unique_ptr<QemuProcess> qemu_;
  std::unique_ptr<GuestLink> link_;
  std::unique_ptr<VsockListener> vsock_;
  std::int64_t started_ms_ = 0;
  std::string boot_error_;
  std::string failure_; ///< decided before QEMU ended (deadline)
  bool restart_wanted_ = false;
  bool emulated_ = false;
  unsigned stumbles_ = 0; ///< kernel panics of this start that were put down to the emulator
  Done started_;
  std::vector<Done> stopped_;
  std::function<void(store::VmStatus)> over_;
  sys::Loop::TimerId deadline_timer_ = 0;
  sys::Loop::TimerId escalation_timer_ = 0;
  sys::Loop::TimerId pause_timer_ = 0;
  sys::Loop::TimerId space_timer_ = 0;
  sys::Loop::TimerId log_timer_ = 0;
};

} // namespace dstack::supervisor
