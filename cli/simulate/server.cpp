#include "cli/simulate/server.hpp"

#include "cli/address.hpp"
#include "cli/simulate/agent.hpp"
#include "guestsite/machine.hpp"
#include "guestsite/site.hpp"
#include "net/http_server.hpp"
#include "sys/sockets.hpp"
#include "sys/spawn.hpp"

#include <csignal>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t max_connections = 1024;
constexpr unsigned socket_mode = 0700; ///< of the caller; in a VM every container that mounts it
constexpr int shell_signal_base = 128; ///< what a shell reports for a command ended by a signal

/// Connections need descriptors; the usual soft limit is about as many as we allow connections.
void raise_descriptor_limit()
{
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

net::ServerLimits limits()
{
  net::ServerLimits out;
  out.max_connections = max_connections;
  return out;
}

class Simulator {
public:
  Simulator(const World& world, const SimulateOptions& options, sys::Loop& loop)
      : options_(options), loop_(loop), dstack_(guestapi::dstack_service(world.guest)),
        tappd_(guestapi::tappd_service(world.guest))
  {
    site_.public_logs = false; // there are no containers
    site_.public_sysinfo = world.app.public_sysinfo;
    site_.facts = [guest = world.guest]() -> Result<guestapi::PageFacts> {
      auto facts =
          TRY(guestapi::page_facts(TRY(guest->evidence().public_info(guest->demo_certificate()))));
      facts.simulated_tee = true;
      return facts;
    };
    site_.system = []() -> Result<guestapi::SystemInfo> { return guestsite::read_system({"/"}); };
    site_.worker = guestapi::worker_service(world.guest);
    site_.version_header = fmt::format("v{} (simulated)", guestapi::api_version);
  }

  Status open(const World& world)
  {
    if (world.kms) TRY(open_signer(world));
    TRY(sys::make_directories(options_.directory, sys::Privacy::owner_only));
    TRY(serve(TRY(listen("dstack.sock")),
              [this](const http::Request&) -> const rpc::Service& { return dstack_; }));
    TRY(serve(TRY(listen("tappd.sock")),
              [this](const http::Request&) -> const rpc::Service& { return tappd_; }));
    TRY(serve_site(TRY(listen("external.sock"))));
    if (!options_.listen.empty()) TRY(open_tcp());
    if (options_.external.empty()) return ok();
    const Address where = TRY(parse_address("--external", options_.external));
    sys::Fd listener = TRY(sys::listen_tcp(where.host, where.port).within("--external"));
    external_ = address_text(where, TRY(sys::local_port(listener.get())));
    return serve_site(std::move(listener));
  }

  std::vector<std::pair<std::string, std::string>> variables() const
  {
    if (!tcp_.empty())
      return {{"DSTACK_SIMULATOR_ENDPOINT", "http://" + tcp_},
              {"TAPPD_SIMULATOR_ENDPOINT", "http://" + tcp_}};
    return {{"DSTACK_SIMULATOR_ENDPOINT", (options_.directory / "dstack.sock").string()},
            {"TAPPD_SIMULATOR_ENDPOINT", (options_.directory / "tappd.sock").string()}};
  }
  const std::string& external() const { return external_; }

  void remove_sockets() const
  {
    std::error_code ignored;
    for (const char* name : {"dstack.sock", "tappd.sock", "external.sock"})
      sys::fs::remove(options_.directory / name, ignored);
  }

private:
  Status open_signer(const World& world)
  {
    signer_ = TRY(make_signer(loop_, world));
    static_cast<void>(world.guest->demo_certificate()); // so that Info has it soon
    return ok();
  }

  using Choose = std::function<const rpc::Service&(const http::Request&)>;

  Result<sys::Fd> listen(const char* name) const
  {
    return sys::listen_unix(options_.directory / name, socket_mode);
  }

  Status serve(sys::Fd listener, Choose choose)
  {
    servers_.push_back(std::make_unique<net::HttpServer>(
        loop_, limits(),
        [choose = std::move(choose)](const http::Request& request, const net::Responder& to) {
          rpc::answer(choose(request), request,
                      [to](http::Response answer) { to.send(std::move(answer)); });
        }));
    return servers_.back()->serve(std::move(listener));
  }

  Status serve_site(sys::Fd listener)
  {
    servers_.push_back(TRY(guestsite::serve_external_port(loop_, site_, std::move(listener))));
    return ok();
  }

  /// Both APIs on one port, as the SDKs' HTTP endpoints expect them.
  Status open_tcp()
  {
    const Address where = TRY(parse_address("--listen", options_.listen));
    sys::Fd listener = TRY(sys::listen_tcp(where.host, where.port).within("--listen"));
    tcp_ = address_text(where, TRY(sys::local_port(listener.get())));
    return serve(std::move(listener), [this](const http::Request& request) -> const rpc::Service& {
      return request.path().starts_with(tappd_.mount) ? tappd_ : dstack_;
    });
  }

  const SimulateOptions& options_;
  sys::Loop& loop_;
  rpc::Service dstack_;
  rpc::Service tappd_;
  guestsite::ExternalSite site_;
  std::unique_ptr<guestsite::KmsSigner> signer_; ///< with --kms
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
  std::string tcp_;
  std::string external_;
};

void announce(const Simulator& simulator, const World& world, Context& ctx)
{
  const guestapi::Facts& facts = world.guest->evidence().facts();
  ctx.ui().note(ctx.ui().paint_err(Tone::warn,
                                   "simulated: no TEE hardware vouches for anything this answers"));
  ctx.ui().note(
      fmt::format("app id       {}\ncompose hash {}", hex(facts.app_id), hex(facts.compose_hash)));
  if (!simulator.external().empty())
    ctx.ui().note(fmt::format("dashboard    http://{}/", simulator.external()));
  if (!ctx.ui().json()) {
    for (const auto& [name, value] : simulator.variables())
      ctx.ui().line(fmt::format("{}={}", name, value));
    return;
  }
  codec::Json environment;
  for (const auto& [name, value] : simulator.variables())
    environment.set(name, value);
  ctx.ui().document(codec::Json::object()
                        .set("schema", "dstack.simulate/1")
                        .set("simulated", true)
                        .set("app_id", hex(facts.app_id))
                        .set("compose_hash", hex(facts.compose_hash))
                        .set("external", simulator.external())
                        .set("environment", std::move(environment)));
}

Exit exit_with(const sys::ExitState& state)
{
  return static_cast<Exit>(state.signal == 0 ? state.code : shell_signal_base + state.signal);
}

/// Runs the command with the variables set; the loop serves meanwhile.
Result<Exit>
run_command(const Simulator& simulator, const SimulateOptions& options, sys::Loop& loop)
{
  sys::Command command;
  command.argv = options.command;
  command.env = simulator.variables();
  command.fds = {{0, STDIN_FILENO}, {1, STDOUT_FILENO}, {2, STDERR_FILENO}};
  sys::Child child = TRY(sys::spawn(command).within("{}", options.command.front()));
  TRY(loop.watch(child.pidfd(), EPOLLIN, [&](std::uint32_t) { loop.stop(); }));
  // A signal meant for us ends the command, and its end ends us.
  TRY(loop.on_signals({SIGINT, SIGTERM},
                      [&](int number) { static_cast<void>(child.kill(number)); }));
  std::optional<sys::ExitState> ended;
  while (!ended) {
    TRY(loop.run());
    ended = TRY(child.try_wait());
  }
  return exit_with(*ended);
}

} // namespace

Result<Exit> serve_simulator(const World& world, const SimulateOptions& options, Context& ctx)
{
  raise_descriptor_limit();
  const auto loop = TRY(sys::Loop::create());
  Simulator simulator{world, options, *loop};
  TRY(simulator.open(world));
  if (!options.command.empty()) {
    auto ended = run_command(simulator, options, *loop);
    simulator.remove_sockets();
    return ended;
  }
  announce(simulator, world, ctx);
  TRY(loop->on_signals({SIGINT, SIGTERM}, [&](int) { loop->stop(); }));
  TRY(loop->run());
  simulator.remove_sockets();
  return Exit::ok;
}

} // namespace dstack::cli
