#pragma once
/// containerd and dockerd as children of PID 1.

#include "guest/engine.hpp"
#include "guest/processes.hpp"

namespace dstack::guest {

class Runtime {
public:
  /// on_death is called when one of the daemons ends without having been asked to.
  Runtime(sys::Loop& loop, Processes& processes, std::function<void(std::string)> on_death);

  /// Needs nothing but the root: its state lives in memory, dockerd keeps what must last.
  Status start_containerd();
  /// Needs the data disk and the network.
  Status start_dockerd();
  /// Until the Engine API answers.
  Status wait_ready(std::chrono::milliseconds deadline);
  /// Ends both, dockerd first; kills what does not end in time.
  void stop(std::chrono::milliseconds deadline);

  Engine& engine() { return engine_; }

private:
  Result<pid_t> start(std::string name, sys::Command command);

  sys::Loop& loop_;
  Processes& processes_;
  std::function<void(std::string)> on_death_;
  Engine engine_;
  pid_t containerd_ = 0;
  pid_t dockerd_ = 0;
  bool stopping_ = false;
  std::string died_; ///< why a daemon ended, until somebody was told
};

/// /etc/docker/daemon.json with the host's registry settings added; the base text is the image's.
Result<std::string> daemon_config(std::string_view base,
                                  const std::string& mirror,
                                  const std::vector<std::string>& insecure_registries);

} // namespace dstack::guest
