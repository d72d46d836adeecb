#include "agents/vm/supervisor.hpp"

#include "agents/vm/failure_reason.hpp"
#include "base/text.hpp"
#include "store/disk_files.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

#include <unistd.h>

namespace dstack::supervisor {

using std::chrono::milliseconds;
using store::VmStatus;

namespace {

constexpr milliseconds quit_grace{5'000};
constexpr milliseconds space_check{5'000};
constexpr std::uint64_t space_to_resume = std::uint64_t{64} << 20U;
constexpr std::size_t log_tail = 64 * 1024;
constexpr std::size_t shown_console_lines = 8;

} // namespace

Supervisor::Supervisor(sys::Loop& loop, Options options, launch::Log log, Events events)
    : loop_(loop), options_(std::move(options)), paths_(options_.directory), log_(std::move(log)),
      events_(std::move(events)), budget_({}, options_.settings.restart)
{
  check_logs();
}

Supervisor::~Supervisor()
{
  clear_timers();
  loop_.cancel(log_timer_);
}

void Supervisor::start(Done done)
{
  state_ = {};
  stumbles_ = 0;
  started_ = std::move(done);
  begin();
}

void Supervisor::begin()
{
  phase_ = Phase::starting;
  restart_wanted_ = false;
  boot_error_.clear();
  failure_.clear();
  started_ms_ = sys::monotonic_ms();
  state_.status = VmStatus::starting;
  state_.pid = ::getpid();
  state_.started_at = format_utc(sys::now());
  state_.stages.clear();
  const Status launched = launch();
  if (!launched) fail_vm(launched.error());
}

Status Supervisor::launch()
{
  spec_ = TRY(store::read_spec(paths_.directory));
  if (state_.restarts == 0) budget_ = RestartBudget{spec_.restart, options_.settings.restart};
  state_.app_id = spec_.app.app_id;
  state_.simulated = spec_.tee == store::Tee::sim;
  save();
  const Machine machine =
      TRY(prepare_machine(spec_, paths_, options_.settings.logs, choose_channel()));
  emulated_ = machine.accelerator.starts_with("tcg");
  if (state_.simulated)
    tee_ = TRY(TeeService::create(spec_, machine.image, options_.data_directory, paths_.tee()));
  stage("vm.prepared", "disks and measurements ready");
  QemuProcess::Hooks hooks;
  hooks.ready = [this] { on_ready(); };
  hooks.ended = [this](const QemuEnd& end) { on_end(end); };
  hooks.disk_full = [this] { on_disk_full(); };
  qemu_ = TRY(QemuProcess::start(loop_, machine.command, std::move(hooks)));
  state_.qemu_pid = qemu_->pid();
  log_.info("vm", "QEMU spawned", {{"pid", state_.qemu_pid}, {"accelerator", machine.accelerator}});
  deadline_timer_ = loop_.after(milliseconds{spec_.boot_deadline_ms}, [this] { on_deadline(); });
  save();
  return ok();
}

void Supervisor::on_ready()
{
  if (phase_ != Phase::starting) return;
  const Status channel = open_channel();
  if (!channel) {
    failure_ = channel.error().message();
    return qemu_->kill();
  }
  phase_ = Phase::up;
  state_.status = VmStatus::booting;
  stage("vm.qemu-started", "QEMU runs");
  tell_started(ok());
}

vm::ChannelKind Supervisor::choose_channel()
{
  vsock_.reset();
  if (options_.settings.channel != vm::ChannelKind::vsock) return vm::ChannelKind::serial_port;
  auto listener = VsockListener::open(loop_, guest_cid(spec_), [this](sys::Fd fd) {
    const Status used = use_channel(std::move(fd));
    if (!used) log_.error("channel", used.error().message());
  });
  if (!listener) {
    log_.info("channel", "no vsock, a serial port instead",
              {{"reason", listener.error().message()}});
    return vm::ChannelKind::serial_port;
  }
  vsock_ = std::move(*listener);
  return vm::ChannelKind::vsock;
}

Status Supervisor::open_channel()
{
  if (vsock_) return ok(); // the guest connects
  return use_channel(TRY(sys::connect_unix(paths_.channel_socket()).within("guest channel")));
}

Status Supervisor::use_channel(sys::Fd fd)
{
  GuestLink::Hooks hooks;
  hooks.serve = [this](const std::string& method, const codec::Json& params,
                       const GuestLink::Answer& answer) {
    if (method == "GetSealingKey") return provide_sealing_key(params, answer);
    answer(serve(method, params));
  };
  hooks.garbage = [this](const std::string& reason) {
    log_.warning("channel", "dropped a line of the guest", {{"reason", printable(reason)}});
  };
  link_ = TRY(GuestLink::open(loop_, std::move(fd), std::move(hooks)));
  return ok();
}

void Supervisor::on_deadline()
{
  const std::string last = state_.stages.empty() ? "" : state_.stages.back().text;
  failure_ =
      fmt::format("the app was not ready after {}; last stage: {}; end of the console: {}",
                  format_duration_ms(spec_.boot_deadline_ms), printable(last),
                  last_lines(launch::tail_of(paths_.console_log(), log_tail), shown_console_lines));
  end_qemu();
}

void Supervisor::on_disk_full()
{
  state_.last_error = "disk full: the VM is paused until there is space again";
  stage("vm.disk-full", state_.last_error);
  await_space();
}

void Supervisor::await_space()
{
  loop_.cancel(space_timer_);
  space_timer_ = loop_.after(space_check, [this] {
    if (!qemu_) return;
    if (!store::need_free_space(paths_.directory, space_to_resume)) return await_space();
    state_.last_error.clear();
    stage("vm.resumed", "there is space again");
    qemu_->resume();
  });
}

std::string Supervisor::why_it_ended(const QemuEnd& end) const
{
  if (!failure_.empty()) return failure_;
  if (!boot_error_.empty()) return boot_error_;
  const std::string console = launch::tail_of(paths_.console_log(), log_tail);
  if (auto reason = console_reason(console)) return *reason;
  if (phase_ == Phase::starting)
    return "QEMU did not start: " + qemu_reason(launch::tail_of(paths_.qemu_log(), log_tail));
  if (!end.state.success())
    return fmt::format("QEMU {}: {}", end.state.describe(),
                       qemu_reason(launch::tail_of(paths_.qemu_log(), log_tail)));
  if (end.reason == "guest-reset") return "the guest rebooted";
  return "the guest powered off before the app was ready; end of the console: " +
         last_lines(console, shown_console_lines);
}

/// QEMU before 8.1 translates code in several threads with a race when the kernel patches itself
/// while it starts: now and then a guest panics before its app runs, most often in the first
/// second. That says nothing about the guest, so the boot is tried again.
bool Supervisor::emulator_stumbled(const QemuEnd& end) const
{
  constexpr unsigned most_stumbles = 4;
  if (!emulated_ || stumbles_ == most_stumbles || phase_ != Phase::up || !failure_.empty())
    return false;
  if (state_.status == VmStatus::running || !boot_error_.empty() || !end.state.success())
    return false;
  const std::string console = launch::tail_of(paths_.console_log(), log_tail);
  return console.find("Kernel panic") != std::string::npos &&
         console.find("dm-verity") == std::string::npos;
}

void Supervisor::on_end(const QemuEnd& end)
{
  const bool again = emulator_stumbled(end);
  clear_timers();
  state_.qemu_pid = 0;
  state_.exit = end.describe();
  log_.info("vm", "QEMU ended", {{"how", state_.exit}});
  const bool powered_off = end.state.success() && end.reason == "guest-shutdown";
  const bool wanted = phase_ == Phase::stopping && failure_.empty();
  const bool calm = powered_off && state_.status == VmStatus::running && boot_error_.empty();
  const std::string why = wanted || calm ? "" : why_it_ended(end);
  link_.reset();
  vsock_.reset();
  // We are inside a hook of this object: it goes when the loop is back in control.
  loop_.after(milliseconds{0}, [gone = std::shared_ptr<QemuProcess>(std::move(qemu_))] {});
  if (wanted && restart_wanted_) return begin();
  if (again) {
    ++stumbles_;
    log_.warning("vm", "the emulated kernel panicked while starting; once more",
                 {{"time", stumbles_}});
    events_.add("vm.stumbled", "the emulated kernel panicked while starting; once more");
    return begin();
  }
  if (wanted || calm) return finish(VmStatus::stopped);
  fail_vm(Error{Errc::io, why});
}

void Supervisor::fail_vm(const Error& error)
{
  state_.last_error = error.message();
  state_.qemu_pid = 0;
  qemu_.reset();
  log_.error("vm", "the VM failed", {{"reason", printable(error.message())}});
  const auto delay = started_ || phase_ == Phase::stopping
                         ? std::nullopt
                         : budget_.after_failure(sys::monotonic_ms());
  state_.status = delay ? VmStatus::starting : VmStatus::failed;
  save(); // before the event: who acts on it finds a state that knows of it
  events_.add("vm.failed", error.message());
  if (!delay) return finish(VmStatus::failed);
  phase_ = Phase::pausing;
  stage("vm.restarting",
        fmt::format("in {}", format_duration_ms(static_cast<std::uint64_t>(delay->count()))));
  pause_timer_ = loop_.after(*delay, [this] {
    ++state_.restarts;
    begin();
  });
}

void Supervisor::stop(milliseconds timeout, Done done)
{
  if (phase_ == Phase::over) return done(ok());
  stopped_.push_back(std::move(done));
  if (phase_ == Phase::pausing) return finish(VmStatus::stopped);
  if (phase_ != Phase::stopping) {
    phase_ = Phase::stopping;
    state_.status = VmStatus::stopping;
    loop_.cancel(deadline_timer_);
    stage("vm.stopping", "shutting down");
  }
  if (!link_ || !link_->greeted() || timeout.count() == 0) return end_qemu();
  link_->call("Shutdown", codec::Json::object(), [this](const Result<codec::Json>& answer) {
    if (!answer)
      log_.warning("vm", "the guest refused to shut down",
                   {{"reason", printable(answer.error().message())}});
  });
  loop_.cancel(escalation_timer_);
  escalation_timer_ = loop_.after(timeout, [this] { end_qemu(); });
}

void Supervisor::restart(milliseconds timeout, Done done)
{
  if (phase_ == Phase::over || phase_ == Phase::stopping)
    return done(fail(Errc::io, "the VM is being stopped"));
  if (started_) return done(fail(Errc::io, "the VM is being started"));
  state_.restarts = 0;
  started_ = std::move(done);
  if (phase_ == Phase::pausing) {
    loop_.cancel(pause_timer_);
    return begin();
  }
  stop(timeout, [](const Status&) {});
  restart_wanted_ = true;
}

void Supervisor::end_qemu()
{
  loop_.cancel(escalation_timer_);
  if (!qemu_) return;
  if (!qemu_->ready()) return qemu_->kill();
  qemu_->quit();
  escalation_timer_ = loop_.after(quit_grace, [this] { kill_now(); });
}

void Supervisor::kill_now()
{
  if (qemu_) return qemu_->kill();
  if (phase_ == Phase::pausing) finish(VmStatus::stopped);
}

void Supervisor::finish(VmStatus status)
{
  clear_timers();
  phase_ = Phase::over;
  state_.status = status;
  state_.pid = 0;
  save();
  if (status == VmStatus::stopped) events_.add("vm.stopped", state_.exit);
  tell_started(status == VmStatus::failed ? Error{Errc::io, state_.last_error}
                                          : fail(Errc::io, "the VM was stopped before it ran"));
  tell_stopped();
  events_.end();
  if (over_) over_(status);
}

void Supervisor::clear_timers()
{
  for (const auto timer : {deadline_timer_, escalation_timer_, pause_timer_, space_timer_})
    loop_.cancel(timer);
}

void Supervisor::save()
{
  const Status saved = store::write_state(paths_.directory, state_);
  if (!saved) log_.error("vm", "state not saved", {{"reason", saved.error().message()}});
}

void Supervisor::check_logs()
{
  for (const auto& log :
       {paths_.console_log(), paths_.qemu_log(), paths_.supervisor_log(), paths_.events()}) {
    const auto rotated = launch::rotate_in_place(log, options_.settings.logs);
    if (!rotated) log_.warning("logs", rotated.error().message());
  }
  log_timer_ = loop_.after(options_.settings.log_check, [this] { check_logs(); });
}

void Supervisor::tell_started(const Status& status)
{
  const Done done = std::exchange(started_, nullptr);
  if (done) done(status);
}

void Supervisor::tell_stopped()
{
  for (const Done& done : std::exchange(stopped_, {}))
    done(ok());
}

} // namespace dstack::supervisor
