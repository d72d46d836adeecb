#include "cli/cmd/add.hpp"
#include "cli/foreground.hpp"
#include "cli/gateway/admin.hpp"
#include "cli/gateway/stand_in.hpp"
#include "codec/json_list.hpp"
#include "route/ip.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string directory;
  std::vector<std::string> listen;
  std::string rpc_listen;
  std::string agent;
  std::vector<std::string> kms;
  bool no_wireguard = false;
  std::vector<std::string> command;
};

/// One run of a gateway in the foreground.
class Run {
public:
  Run(sys::Loop& loop, const Options& options, Context& ctx)
      : loop_(loop), o_(options), ctx_(ctx), gateway_(loop, ctx, Foreground::QuietEnd::fine)
  {
  }

  Result<Exit> go()
  {
    TRY(check_addresses());
    directory_ = sys::fs::absolute(o_.directory);
    settings_ = TRY(read_gateway_settings(directory_));
    if (!o_.kms.empty()) settings_.kms_urls = o_.kms;
    agent_ = TRY(GatewayAgent::find(loop_, ctx_, directory_, settings_, o_.agent));
    if (agent_->simulated()) ctx_.ui().warn(std::string{gateway_stand_in_note});
    return gateway_.run(launch_of(), [this](const std::string& url) {
      url_ = url;
      return o_.command.empty() ? announce() : start_command();
    });
  }

private:
  Status check_addresses() const
  {
    for (const std::string& one : o_.listen)
      TRY(as_usage(route::parse_endpoint(one).within("--listen {}", printable(one))));
    if (!o_.rpc_listen.empty())
      TRY(as_usage(route::parse_endpoint(o_.rpc_listen)
                       .within("--rpc-listen {}", printable(o_.rpc_listen))));
    return ok();
  }

  AgentLaunch launch_of() const
  {
    AgentLaunch out;
    out.program = "dstack-gateway";
    out.directory = directory_;
    agent_->describe(out.settings);
    out.settings.set("vms_directory", ctx_.vms_dir().string());
    out.settings.set("wireguard", !o_.no_wireguard);
    if (!o_.rpc_listen.empty()) out.settings.set("listen", o_.rpc_listen);
    if (!o_.listen.empty()) out.settings.set("proxy_listen", codec::list_of(o_.listen));
    return out;
  }

  Status announce()
  {
    const Json status = TRY(ask_gateway(directory_, "Status"));
    const auto proxy = TRY(status.get_strings("proxy"));
    const std::string reach = TRY(status.get_string("reach", ""));
    if (ctx_.ui().json())
      ctx_.ui().document(Json{}
                             .set("schema", "dstack.gateway.run/1")
                             .set("url", url_)
                             .set("proxy", *status.find("proxy"))
                             .set("reach", reach)
                             .set("app_id", TRY(status.get_string("app_id", "")))
                             .set("simulated", agent_->simulated()));
    ctx_.ui().line(fmt::format("registrations at {}", url_));
    if (!proxy.empty()) ctx_.ui().line(fmt::format("apps at {}", join(proxy, ", ")));
    for (const gateway::DomainSettings& domain : settings_.domains)
      if (domain.has_apps()) ctx_.ui().line(fmt::format("named <id>-<port>.{}", domain.name));
    ctx_.ui().line(fmt::format("reached through {}", reach));
    return ok();
  }

  Status start_command()
  {
    const Json status = TRY(ask_gateway(directory_, "Status"));
    const auto proxy = TRY(status.get_strings("proxy"));
    return gateway_.start_command(
        o_.command, {{"DSTACK_GATEWAY_URL", url_},
                     {"DSTACK_GATEWAY_PROXY", proxy.empty() ? "" : proxy.front()}});
  }

  sys::Loop& loop_;
  const Options& o_;
  Context& ctx_;
  sys::fs::path directory_;
  gateway::Settings settings_;
  std::unique_ptr<GatewayAgent> agent_;
  Foreground gateway_;
  std::string url_;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const auto loop = TRY(sys::Loop::create());
  Run one{*loop, o, ctx};
  return one.go();
}

} // namespace

void add_gateway_run(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("gateway run", "Serve apps under their names");
  leaf.argument("DIR", o->directory, "Directory that 'dstack gateway init' made").required();
  leaf.option("--listen", o->listen, "ADDRESS:PORT",
              "The world connects there instead of where gateway.toml says; port 0 is any")
      .repeats();
  leaf.option("--rpc-listen", o->rpc_listen, "ADDRESS:PORT", "The same for VMs that register");
  leaf.option("--agent", o->agent, "ADDRESS",
              "Guest agent that gives it its certificate: unix:/path or http://ADDRESS:PORT");
  leaf.option("--kms", o->kms, "URL",
              "Where there is no guest agent: the KMS of the gateway's keys, instead of that in "
              "gateway.toml")
      .repeats();
  leaf.flag("--no-wireguard", o->no_wireguard,
            "Reach VMs of this machine through their forwarded ports, and no others");
  leaf.arguments("COMMAND", o->command,
                 "Run this with DSTACK_GATEWAY_URL and DSTACK_GATEWAY_PROXY set, and end with its "
                 "exit status");
  leaf.json("dstack.gateway.run/1")
      .describe(
          "Serves until a signal: SIGTERM ends it after the connections under way (a second one at "
          "once), SIGHUP reads settings and certificates anew without dropping any.\n"
          "With the right to make network interfaces it reaches VMs through WireGuard, the "
          "kernel's or wireguard-go; without, those of this machine through the ports that they "
          "forward, and says so.\n"
          "On a machine without a guest agent this command plays one for an app 'dstack-gateway', "
          "whose keys are from the KMS in gateway.toml. That is a development arrangement, and is "
          "said.")
      .example("dstack gateway run gw", "Serve until Ctrl-C")
      .example("dstack gateway run gw --listen 127.0.0.1:0 -- ./test.sh", "Run tests against it")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
