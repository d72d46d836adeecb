/// dstack-vm: the supervisor of one VM. Started by `dstack`, lives as long as the VM. With
/// "--sealing-key …" it is the supervisor's helper that talks to the key provider.

#include "agents/launch/launch.hpp"
#include "agents/vm/control_api.hpp"
#include "base/text.hpp"

#include <csignal>
#include <cstdlib>

namespace dstack::supervisor {

namespace {

constexpr std::chrono::milliseconds lock_wait{1'000};
constexpr std::chrono::milliseconds stop_timeout{30'000};
constexpr std::chrono::milliseconds last_answers{50}; // let peers read what was just sent
constexpr int signal_base = 128;

std::string environment(const char* name)
{
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::filesystem::path> directory_from(int argc, char** argv)
{
  if (argc != 3 || std::string_view{argv[1]} != "--dir")
    return fail(Errc::usage, "usage: dstack-vm --dir VM-DIRECTORY (started by dstack)");
  std::error_code error;
  auto path = std::filesystem::canonical(argv[2], error);
  if (error) return fail(Errc::not_found, "{}: {}", argv[2], error.message());
  return path;
}

/// Everything of one run; returns the exit status.
class Agent {
public:
  Agent(sys::Loop& loop, Supervisor::Options options, launch::Log log, Events events)
      : loop_(loop), supervisor_(loop, std::move(options), std::move(log), std::move(events))
  {
  }

  Result<int> run(const std::filesystem::path& control_socket, launch::Readiness& readiness)
  {
    TRY(loop_.on_signals({SIGTERM, SIGINT}, [this](int signal) { on_signal(signal); }));
    const auto control = TRY(ControlApi::serve(loop_, supervisor_, control_socket));
    supervisor_.when_over([this](store::VmStatus status) {
      if (status == store::VmStatus::failed) exit_ = 1;
      loop_.after(last_answers, [this] { loop_.stop(); });
    });
    supervisor_.start([&readiness](const Status& started) {
      if (started)
        readiness.ready();
      else
        readiness.failed(started.error());
    });
    TRY(loop_.run());
    return exit_;
  }

private:
  void on_signal(int signal)
  {
    if (std::exchange(terminating_, true)) {
      exit_ = signal_base + signal;
      return supervisor_.kill_now();
    }
    supervisor_.stop(stop_timeout, [](const Status&) {});
  }

  sys::Loop& loop_;
  Supervisor supervisor_;
  bool terminating_ = false;
  int exit_ = 0;
};

Result<int> run(int argc, char** argv, launch::Readiness& readiness)
{
  const auto directory = TRY(directory_from(argc, argv));
  const store::VmPaths paths{directory};
  const auto lock =
      TRY(sys::FileLock::acquire(paths.supervisor_lock(), "supervisor", lock_wait).within("VM"));
  const Settings settings = TRY(parse_settings(TRY(launch::read_config())));
  auto log = TRY(launch::Log::to_file(paths.supervisor_log()));
  auto events = TRY(Events::open(paths.events()));
  const auto loop = TRY(sys::Loop::create());
  Agent agent{*loop,
              {directory, sys::directories(environment).data, settings},
              std::move(log),
              std::move(events)};
  return agent.run(paths.control_socket(), readiness);
}

} // namespace

} // namespace dstack::supervisor

int main(int argc, char** argv)
{
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() > 1 && words[1] == "--sealing-key")
    return dstack::supervisor::run_sealing_exchange({words.begin() + 2, words.end()});
  dstack::launch::settle();
  dstack::launch::Readiness readiness;
  const auto status = dstack::supervisor::run(argc, argv, readiness);
  if (status) return *status;
  readiness.failed(status.error());
  dstack::launch::Log{}.error("vm", status.error().message());
  return status.error().code() == dstack::Errc::usage ? 2 : 1;
}
