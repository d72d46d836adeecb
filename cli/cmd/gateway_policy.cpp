#include "cli/cmd/add.hpp"
#include "cli/gateway/admin.hpp"
#include "route/port_policy.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string directory;
  std::string instance;
  std::vector<std::string> open;
  bool all = false;
  bool none = false;
  bool clear = false;
};

/// "443", "8080:pp"
Result<route::PortRule> rule_of(const std::string& word)
{
  constexpr std::string_view mark = ":pp";
  std::string_view port = word;
  const bool proxy = port.ends_with(mark);
  if (proxy) port.remove_suffix(mark.size());
  const auto number = parse_u64(port);
  if (!number || *number == 0 || *number > UINT16_MAX)
    return fail(Errc::usage, "--open {}: no port (want 1 to 65535, perhaps with :pp)",
                printable(word));
  return route::PortRule{static_cast<std::uint16_t>(*number), proxy};
}

Result<std::optional<route::PortPolicy>> wanted(const Options& o)
{
  if ((o.all ? 1 : 0) + (o.none ? 1 : 0) + (o.clear ? 1 : 0) + (o.open.empty() ? 0 : 1) > 1)
    return fail(Errc::usage, "--open, --all, --none and --clear: give one of them");
  if (!o.all && !o.none && o.open.empty()) return std::optional<route::PortPolicy>{};
  route::PortPolicy out;
  if (!o.all) out.access = route::PortPolicy::Access::listed;
  for (const std::string& word : o.open)
    out.rules.push_back(TRY(rule_of(word)));
  return std::optional{std::move(out)};
}

std::string describe(const Json& policy)
{
  const auto read = route::parse_port_policy(policy);
  if (!read) return "none";
  std::vector<std::string> ports;
  for (const route::PortRule& rule : read->rules)
    ports.push_back(fmt::format("{}{}", rule.port, rule.proxy_protocol ? " (PROXY header)" : ""));
  const std::string list = join(ports, ", ");
  if (read->access == route::PortPolicy::Access::listed)
    return list.empty() ? "no port" : "only " + list;
  return list.empty() ? "every port" : "every port; of these, " + list;
}

void show(const Json& policy, const std::string& id, Context& ctx)
{
  if (ctx.ui().json()) {
    Json out;
    out.set("schema", "dstack.gateway.policy/1").set("instance_id", id);
    for (const auto& [key, value] : policy.members())
      out.set(key, value);
    return ctx.ui().document(out);
  }
  const auto row = [&](std::string_view name, std::string_view key) {
    const Json* value = policy.find(key);
    const bool there = value != nullptr && value->is_object();
    ctx.ui().line(fmt::format("{:<18}{}", name, there ? describe(*value) : "not known"));
  };
  row("open", "effective");
  row("the VM says", "instance_reported");
  row("set here", "admin_override");
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const auto policy = TRY(wanted(o));
  const std::string id = TRY(find_instance(o.directory, o.instance));
  const Json named = Json{}.set("instance_id", id);
  if (policy) {
    Json request = named;
    request.set("policy", route::to_json(*policy));
    static_cast<void>(TRY(ask_gateway(o.directory, "SetInstancePortPolicy", request)));
  } else if (o.clear) {
    static_cast<void>(TRY(ask_gateway(o.directory, "ClearInstancePortPolicy", named)));
  }
  show(TRY(ask_gateway(o.directory, "GetInstancePortPolicy", named)), id, ctx);
  return Exit::ok;
}

} // namespace

void add_gateway_policy(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("gateway policy", "Show or set which ports of a VM the world may reach");
  leaf.argument("DIR", o->directory, "Directory of the gateway").required();
  leaf.argument("INSTANCE", o->instance,
                "Its instance id, or how that or its app's id begins, if only one does")
      .required();
  leaf.option("--open", o->open, "PORT[:pp]",
              "Only these ports; with :pp, connections to it begin with a PROXY header")
      .repeats();
  leaf.flag("--all", o->all, "Every port");
  leaf.flag("--none", o->none, "No port");
  leaf.flag("--clear", o->clear, "What the VM says of itself counts again");
  leaf.json("dstack.gateway.policy/1")
      .describe("A VM says which of its ports are for the world (port_policy of its app-compose "
                "document, which is measured). What is set here goes first and stays until it is "
                "cleared or the VM is forgotten. While neither is known, no port is open.")
      .example("dstack gateway policy gw 5d0c", "What is open, and who says so")
      .example("dstack gateway policy gw 5d0c --open 443 --open 8080:pp", "Two ports only")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
