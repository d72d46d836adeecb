#include "cli/cmd/add.hpp"
#include "cli/gateway/admin.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::size_t id_shown = 12;

struct Options {
  std::string directory;
};

std::string text_of(const Json& json, std::string_view key)
{
  const auto text = json.get_string(key, "");
  return text ? printable(*text) : "";
}

std::uint64_t number_of(const Json& json, std::string_view key)
{
  const auto number = json.get_u64(key, 0);
  return number ? *number : 0;
}

std::string age(std::uint64_t unix_seconds, std::int64_t now)
{
  if (unix_seconds == 0) return "never";
  const auto seconds = std::max(std::int64_t{0}, now - static_cast<std::int64_t>(unix_seconds));
  constexpr std::uint64_t second = 1000;
  return fmt::format("{} ago", format_duration_ms(static_cast<std::uint64_t>(seconds) * second));
}

std::string certificate_of(const Json& domain)
{
  const Json* status = domain.find("cert_status");
  if (status == nullptr) return "";
  const std::string problem = text_of(*status, "problem");
  const std::uint64_t until = number_of(*status, "not_after");
  if (until == 0) return problem.empty() ? "no certificate yet" : "no certificate: " + problem;
  constexpr std::int64_t second = 1000;
  const std::string good = fmt::format("certificate until {}",
                                       format_utc(Time{static_cast<std::int64_t>(until) * second}));
  return problem.empty() ? good : fmt::format("{}; renewal: {}", good, problem);
}

void show_host(const Json& host, Context& ctx)
{
  const auto drained = host.get_bool("drained", false);
  std::string line = fmt::format("  {:<14}{:<14}{:<16}{:>5} connections, heard {}",
                                 text_of(host, "instance_id").substr(0, id_shown),
                                 text_of(host, "app_id").substr(0, id_shown), text_of(host, "ip"),
                                 number_of(host, "num_connections"),
                                 age(number_of(host, "latest_handshake"), ctx.now().seconds()));
  if (drained && *drained) line += ", drained";
  const std::string ports = text_of(host, "ports");
  if (!ports.empty()) line += ", " + ports;
  ctx.ui().line(line);
}

/// The nodes of a cluster, and the store that makes them one.
void show_cluster(const Json& status, Context& ctx)
{
  const Json* store = status.find("store");
  const Json* nodes = status.find("nodes");
  if (store == nullptr || !store->is_object() || nodes == nullptr || !nodes->is_array()) return;
  const auto healthy = store->get_bool("healthy", false);
  ctx.ui().line(fmt::format("{:<18}{}", "store",
                            healthy && *healthy
                                ? fmt::format("in touch with its majority ({})",
                                              text_of(*store, "member"))
                                : "CUT OFF, no new VMs and no certificates: " +
                                      text_of(*store, "problem")));
  if (const auto refused = number_of(*store, "refused"); refused != 0)
    ctx.ui().line(fmt::format("{:<18}{} were not believed", "records", refused));
  ctx.ui().line(fmt::format("{:<18}{}", "nodes", nodes->items().size()));
  for (const Json& one : nodes->items()) {
    const auto up = one.get_bool("up", false);
    const std::uint64_t id = number_of(one, "id");
    ctx.ui().line(fmt::format("  {:<4}{:<6}{:>5} connections  {}{}{}", id,
                              up && *up ? "up" : "gone", number_of(one, "num_connections"),
                              text_of(one, "url"),
                              text_of(one, "status") == "up" ? "" : ", registrations refused",
                              id == number_of(status, "id") ? ", this one" : ""));
  }
}

void report(const Json& status, Context& ctx)
{
  const auto row = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) ctx.ui().line(fmt::format("{:<18}{}", name, value));
  };
  row("registrations", fmt::format("{}{}", text_of(status, "rpc"),
                                   text_of(status, "status") == "up" ? "" : " (refused now)"));
  const auto proxy = status.get_strings("proxy");
  if (proxy) row("apps at", join(*proxy, ", "));
  row("reached through", text_of(status, "reach"));
  row("connections", fmt::format("{}", number_of(status, "num_connections")));
  row("app id", text_of(status, "app_id"));
  show_cluster(status, ctx);
  if (const Json* domains = status.find("domains"); domains != nullptr && domains->is_array())
    for (const Json& domain : domains->items())
      if (const Json* config = domain.find("config"))
        row("domain", fmt::format("{}, {}", text_of(*config, "domain"), certificate_of(domain)));
  const Json* hosts = status.find("hosts");
  if (hosts == nullptr || !hosts->is_array()) return;
  row("VMs", fmt::format("{}", hosts->items().size()));
  for (const Json& host : hosts->items())
    show_host(host, ctx);
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const Json status = TRY(ask_gateway(o.directory, "Status"));
  if (ctx.ui().json())
    ctx.ui().document(status);
  else
    report(status, ctx);
  return Exit::ok;
}

} // namespace

void add_gateway_status(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("gateway status", "Show how a gateway of this machine is");
  leaf.argument("DIR", o->directory, "Its directory").required();
  leaf.json("dstack.gateway.status/1")
      .describe("Asks the gateway that runs from the directory over its admin socket: where it "
                "listens, how it reaches VMs, its certificates, and the VMs that are registered.")
      .example("dstack gateway status gw", "Who is registered, and until when certificates last")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
