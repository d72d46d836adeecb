/// dstack-kms: serves the keys of one root. Started by `dstack kms run` or an init system; settings
/// in DIR/kms.toml, what the starter decides on descriptor 3; in a VM everything comes from the
/// measured compose file.

#include "agents/kms/admin.hpp"
#include "agents/kms/deployment.hpp"
#include "agents/kms/join.hpp"
#include "agents/kms/server.hpp"
#include "agents/launch/launch.hpp"
#include "agents/launch/notify.hpp"
#include "agents/launch/process.hpp"
#include "crypto/memory.hpp"
#include "sys/protect.hpp"

#include <csignal>

namespace dstack::kmsnode {

namespace {

constexpr std::chrono::milliseconds drain_deadline{10'000};
constexpr int signal_base = 128;
constexpr std::string_view usage = "usage: dstack-kms --dir DIRECTORY [--join URL] (started by "
                                   "dstack kms run, join and deploy)";

struct Arguments {
  std::string directory;
  std::string join;
  std::string crash_at; ///< for tests of what a crash leaves behind
};

Result<Arguments> parse(int argc, char** argv)
{
  Arguments out;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--dir")
      out.directory = argv[i + 1];
    else if (name == "--join")
      out.join = argv[i + 1];
    else if (name == "--crash-at")
      out.crash_at = argv[i + 1];
    else
      return fail(Errc::usage, "{}", usage);
  }
  if (out.directory.empty() || argc % 2 == 0) return fail(Errc::usage, "{}", usage);
  return out;
}

/// Everything of one run; returns the exit status.
class Run {
public:
  Run(sys::Loop& loop, Node& node)
      : loop_(loop), node_(node), server_(loop, node), admin_(loop, node)
  {
  }

  Result<int> serve(const std::string& listen, launch::Readiness& readiness)
  {
    TRY(loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); }));
    TRY(node_.start());
    TRY(node_.keep_up());
    TRY(admin_.listen());
    TRY(server_.listen(listen));
    node_.log().info("node", node_.sealed() ? "serving, sealed" : "serving",
                     {{"url", server_.url()}});
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
    if (std::exchange(terminating_, true)) {
      exit_ = signal_base + signal;
      return loop_.stop();
    }
    launch::notify("STOPPING=1");
    node_.log().info("node", "stopping");
    server_.drain(drain_deadline, [this] {
      node_.record("stop", "");
      loop_.stop();
    });
  }

  sys::Loop& loop_;
  Node& node_;
  Server server_;
  Admin admin_;
  bool terminating_ = false;
  int exit_ = 0;
};

Result<int> run(int argc, char** argv, launch::Readiness& readiness)
{
  const Arguments arguments = TRY(parse(argc, argv));
  std::error_code error;
  NodeOptions options;
  options.directory = sys::fs::canonical(arguments.directory, error);
  if (error) return fail(Errc::not_found, "{}: {}", arguments.directory, error.message());
  options.launch = TRY(launch_settings(TRY(launch::read_config())));
  options.environment = launch::environment;
  launch::Log log;
  launch::raise_descriptor_limit();
  const sys::Protection protection = sys::protect_secrets();
  if (!protection.locked)
    log.info("node", "memory is not locked (ulimit -l): swap space may get to see secrets");
  const auto lock = TRY(sys::FileLock::acquire(options.directory / "kms.lock", "dstack-kms", {})
                            .within("{}", options.directory.string()));
  const auto deployment = TRY(read_deployment(options.environment));
  if (deployment) TRY(put_in_place(*deployment, options));
  auto foundation = TRY(lay_foundation(std::move(options)));
  if (deployment) TRY(ensure_root(foundation, deployment->join));
  if (!arguments.join.empty()) {
    TRY(join(foundation, arguments.join, arguments.crash_at));
    readiness.ready();
    return 0;
  }
  const std::string listen = foundation.options.launch.listen;
  const auto loop = TRY(sys::Loop::create());
  const auto node = TRY(Node::create(*loop, std::move(foundation), std::move(log)));
  Run one{*loop, *node};
  return one.serve(listen, readiness);
}

} // namespace

} // namespace dstack::kmsnode

int main(int argc, char** argv)
{
  dstack::crypto::wipe_freed_memory();
  return dstack::launch::run_agent("kms", [&](dstack::launch::Readiness& readiness) {
    return dstack::kmsnode::run(argc, argv, readiness);
  });
}
