/// dstack-gateway: HTTPS names for apps. Started by `dstack gateway run` or an init system;
/// settings in DIR/gateway.toml, what the starter decides on descriptor 3.

#include "agents/gateway/admin.hpp"
#include "agents/gateway/pages.hpp"
#include "agents/gateway/server.hpp"
#include "agents/launch/launch.hpp"
#include "agents/launch/notify.hpp"
#include "agents/launch/process.hpp"
#include "sys/protect.hpp"

#include <csignal>

namespace dstack::gatewaynode {

namespace {

constexpr std::chrono::milliseconds drain_deadline{30'000};
constexpr std::chrono::milliseconds look_again{50}; ///< also for peers to read what was just sent
constexpr int signal_base = 128;
constexpr std::string_view usage = "usage: dstack-gateway --dir DIRECTORY (started by dstack "
                                   "gateway run)";

/// Everything of one run; returns the exit status.
class Run {
public:
  Run(sys::Loop& loop, Node& node)
      : loop_(loop), node_(node), server_(loop, node), admin_(loop, node), pages_(loop, node)
  {
  }

  Result<int> serve(launch::Readiness& readiness)
  {
    TRY(loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); }));
    node_.on_exit([this](bool now) { now ? loop_.stop() : stop(); });
    TRY(admin_.listen());
    TRY(pages_.listen());
    TRY(server_.listen());
    node_.set_rpc_url(server_.url());
    node_.keep_up();
    node_.log().info("node", "serving", {{"registrations", server_.url()}});
    readiness.ready(server_.url());
    launch::notify("READY=1\nSTATUS=" + server_.url());
    TRY(loop_.run());
    return exit_;
  }

private:
  void on_signal(int signal)
  {
    if (signal == SIGHUP) {
      const Status read = node_.reload();
      if (!read) node_.log().error("node", "reload: " + read.error().message());
      return;
    }
    if (terminating_) {
      exit_ = signal_base + signal;
      return loop_.stop();
    }
    stop();
  }

  void stop()
  {
    if (std::exchange(terminating_, true)) return;
    launch::notify("STOPPING=1");
    node_.log().info("node", "stopping");
    server_.drain();
    node_.front().drain();
    ends_at_ms_ = sys::monotonic_ms() + drain_deadline.count();
    loop_.after(look_again, [this] { stop_when_over(); });
  }

  /// The workers of the data plane tell nobody of a connection's end.
  void stop_when_over()
  {
    const bool late = sys::monotonic_ms() >= ends_at_ms_;
    if (late || node_.front().live() == 0) return loop_.stop();
    loop_.after(look_again, [this] { stop_when_over(); });
  }

  sys::Loop& loop_;
  Node& node_;
  Server server_;
  Admin admin_;
  Pages pages_;
  std::int64_t ends_at_ms_ = 0;
  bool terminating_ = false;
  int exit_ = 0;
};

Result<int> run(int argc, char** argv, launch::Readiness& readiness)
{
  constexpr int words = 3;
  if (argc != words || std::string_view{argv[1]} != "--dir") return fail(Errc::usage, "{}", usage);
  std::error_code error;
  const sys::fs::path directory = sys::fs::canonical(argv[2], error);
  if (error) return fail(Errc::not_found, "{}: {}", argv[2], error.message());
  auto settings = TRY(launch_settings(TRY(launch::read_config())));
  launch::raise_descriptor_limit();
  static_cast<void>(sys::protect_secrets());
  const auto lock = TRY(sys::FileLock::acquire(directory / "gateway.lock", "dstack-gateway", {})
                            .within("{}", directory.string()));
  auto foundation = TRY(lay_foundation(directory, std::move(settings), launch::environment));
  const auto loop = TRY(sys::Loop::create());
  const auto node = TRY(Node::create(*loop, std::move(foundation), launch::Log{}));
  Run one{*loop, *node};
  return one.serve(readiness);
}

} // namespace

} // namespace dstack::gatewaynode

int main(int argc, char** argv)
{
  return dstack::launch::run_agent("gateway", [&](dstack::launch::Readiness& readiness) {
    return dstack::gatewaynode::run(argc, argv, readiness);
  });
}
