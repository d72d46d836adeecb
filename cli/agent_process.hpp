#pragma once
/// dstack-kms or dstack-gateway as a child of this command.

#include "base/secret.hpp"
#include "cli/context.hpp"
#include "sys/poll.hpp"
#include "sys/spawn.hpp"

namespace dstack::cli {

struct AgentLaunch {
  std::string program{}; ///< "dstack-kms"
  sys::fs::path directory{};
  std::vector<std::string> arguments{};         ///< behind --dir
  codec::Json settings = codec::Json::object(); ///< the agent's launch_settings.hpp
  /// A passphrase that came over standard input goes on through a pipe, never to a disk.
  std::optional<SecretBytes> passphrase{};
};

class AgentProcess {
public:
  /// What it said when it was ready ("https://127.0.0.1:8000", or nothing), or why it is not.
  using Ready = std::function<void(Result<std::string>)>;
  using Ended = std::function<void(const sys::ExitState&)>;

  /// Calls ready once, then ended once; both from the loop. Its log goes to our standard error.
  static Result<std::unique_ptr<AgentProcess>>
  start(sys::Loop& loop, const Context& ctx, const AgentLaunch& launch, Ready ready, Ended ended);
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  Status signal(int number) const { return child_.kill(number); }

private:
  AgentProcess(sys::Loop& loop,
               std::string program,
               sys::Child child,
               sys::Fd readiness,
               Ready ready,
               Ended ended)
      : loop_(loop), program_(std::move(program)), child_(std::move(child)),
        readiness_(std::move(readiness)), ready_(std::move(ready)), ended_(std::move(ended))
  {
  }
  Status watch();
  void read_readiness();
  Error why_not(const sys::ExitState& state) const;
  void over();

  sys::Loop& loop_;
  std::string program_;
  sys::Child child_;
  sys::Fd readiness_;
  std::string said_;
  Ready ready_;
  Ended ended_;
};

} // namespace dstack::cli
