#pragma once
/// An agent that runs as long as this command does, perhaps with a command of the user's beside it.

#include "cli/agent_process.hpp"
#include "cli/exit.hpp"

namespace dstack::cli {

class Foreground {
public:
  /// Of an agent that ends by itself and says nothing is wrong.
  enum class QuietEnd { failure, fine };
  using Environment = std::vector<std::pair<std::string, std::string>>;

  Foreground(sys::Loop& loop, const Context& ctx, QuietEnd quiet_end)
      : loop_(loop), ctx_(ctx), quiet_end_(quiet_end)
  {
  }

  /// Until the agent has ended. ready is called with what it said when it was; an error of it ends
  /// the agent. SIGHUP is for the agent, SIGINT and SIGTERM end it.
  Result<Exit> run(const AgentLaunch& launch, std::function<Status(const std::string& said)> ready);
  /// On our terminal. The agent ends with it, and its exit status is ours.
  Status start_command(const std::vector<std::string>& argv, Environment environment);

private:
  void on_ready(const Result<std::string>& said);
  void on_signal(int signal);
  void on_end(const sys::ExitState& state);
  void stop();

  sys::Loop& loop_;
  const Context& ctx_;
  QuietEnd quiet_end_;
  std::string program_;
  std::function<Status(const std::string&)> ready_;
  std::unique_ptr<AgentProcess> agent_;
  std::optional<sys::Child> command_;
  std::optional<int> command_exit_;
  std::optional<Error> failure_;
  Exit exit_ = Exit::ok;
  bool stopping_ = false;
};

} // namespace dstack::cli
