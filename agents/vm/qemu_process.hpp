#pragma once
/// One run of QEMU: spawned to die with us, spoken to over QMP, its end reported once.

#include "agents/vm/qmp.hpp"
#include "agents/vm/stream.hpp"
#include "sys/spawn.hpp"

namespace dstack::supervisor {

/// How a run ended.
struct QemuEnd {
  sys::ExitState state{};
  std::string reason{}; ///< of the SHUTDOWN event: "guest-shutdown", "guest-reset", "" when none
  std::string describe() const;
};

class QemuProcess {
public:
  struct Hooks {
    std::function<void()> ready; ///< QMP accepts commands: the guest runs
    std::function<void(const QemuEnd&)> ended;
    std::function<void()> disk_full; ///< the guest is paused until resume()
  };
  struct Command {
    std::vector<std::string> argv;
    std::filesystem::path directory;
    std::filesystem::path log;        ///< standard output and error are appended
    std::filesystem::path qmp_socket; ///< where QEMU listens
  };
  static Result<std::unique_ptr<QemuProcess>>
  start(sys::Loop& loop, const Command& command, Hooks hooks);
  ~QemuProcess();
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;

  pid_t pid() const { return child_.pid(); }
  bool ready() const { return qmp_.ready(); }
  void quit() { execute("quit"); }
  void resume() { execute("cont"); }
  void kill();

private:
  QemuProcess(sys::Loop& loop, sys::Child child, const Command& command, Hooks hooks);
  void connect();
  void on_data(ByteView data);
  void on_event(const QmpEvent& event);
  void on_end();
  void execute(std::string_view command);

  sys::Loop& loop_;
  sys::Child child_;
  std::filesystem::path qmp_path_;
  Hooks hooks_;
  Qmp qmp_;
  std::unique_ptr<Stream> stream_;
  sys::Loop::TimerId retry_ = 0;
  int tries_ = 0;
  std::string shutdown_reason_;
};

} // namespace dstack::supervisor
