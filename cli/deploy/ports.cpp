#include "cli/deploy/ports.hpp"

#include "base/address.hpp"
#include "base/text.hpp"
#include "cli/vms.hpp"
#include "sys/sockets.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

constexpr std::uint64_t max_port = 65535;

Result<std::uint16_t> port_number(std::string_view text)
{
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > max_port)
    return fail(Errc::usage, "'{}' is no port (1 to 65535)", text);
  return static_cast<std::uint16_t>(*number);
}

/// Splits at colons, but not inside "[…]".
std::vector<std::string> parts_of(std::string_view text)
{
  std::vector<std::string> out(1);
  bool bracket = false;
  for (const char c : text) {
    if (c == '[' || c == ']') {
      bracket = c == '[';
      continue;
    }
    if (c == ':' && !bracket)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

bool same_vm_port(const vm::PortForward& a, vm::Protocol protocol, std::uint16_t port)
{
  return a.protocol == protocol && a.vm_port == port;
}

Result<vm::PortForward> settle(const PortSpec& spec)
{
  vm::PortForward out{spec.protocol, spec.address, 0, spec.vm_port};
  out.host_port = spec.host_port ? *spec.host_port : TRY(sys::free_port(spec.address));
  return out;
}

bool reachable_address(const std::string& host_ip)
{
  return host_ip.empty() || host_ip == "0.0.0.0" || host_ip == "::";
}

/// Published ports nobody asked about with --port, under their own number.
Status add_published(PortPlan& plan,
                     const compose::Project& project,
                     const std::vector<vm::PortForward>& kept)
{
  for (const compose::PortMapping& mapping : project.published_ports()) {
    const vm::Protocol protocol = TRY(vm::parse_protocol(mapping.protocol));
    const std::uint16_t port = mapping.published;
    if (port == 0 || !reachable_address(mapping.host_ip)) {
      plan.remarks.push_back(
          fmt::format("container port {} is published {} and cannot be reached from outside the VM",
                      mapping.target,
                      port == 0 ? std::string{"on a port compose picks"}
                                : "on " + mapping.host_ip + " of the VM"));
      continue;
    }
    const auto fits = [&](const vm::PortForward& one) { return same_vm_port(one, protocol, port); };
    if (std::any_of(plan.forwards.begin(), plan.forwards.end(), fits)) continue;
    const auto old = std::find_if(kept.begin(), kept.end(), fits);
    plan.forwards.push_back(old != kept.end() ? *old
                                              : vm::PortForward{protocol, "127.0.0.1", port, port});
  }
  return ok();
}

std::string holder_of(const Context& ctx, const vm::PortForward& port)
{
  const auto all = vm_store(ctx).list();
  if (!all) return "";
  for (const store::VmRecord& vm : *all)
    for (const vm::PortForward& other : vm.spec.ports)
      if (store::is_alive(vm) && other.host_port == port.host_port &&
          other.protocol == port.protocol)
        return fmt::format(" by the VM {}", shown_name(vm));
  return "";
}

} // namespace

Result<PortSpec> parse_port_spec(std::string_view text)
{
  const std::vector<std::string> parts = parts_of(text);
  PortSpec out;
  if (parts.size() > 4) return fail(Errc::usage, "--port {}: want PROTO:ADDRESS:HOST:VM", text);
  out.vm_port = TRY(port_number(parts.back()).within("--port {}", text));
  if (parts.size() > 1) {
    const std::string& host = parts[parts.size() - 2];
    if (!host.empty() && host != "auto" && host != "0")
      out.host_port = TRY(port_number(host).within("--port {}", text));
  }
  if (parts.size() > 2) {
    const auto protocol = vm::parse_protocol(parts[0]);
    if (!protocol)
      return fail(Errc::usage, "--port {}: '{}' is neither tcp nor udp", text, parts[0]);
    out.protocol = *protocol;
  }
  if (parts.size() > 3) out.address = parts[1];
  if (!is_ip_address(out.address))
    return fail(Errc::usage, "--port {}: '{}' is no address in figures", text, out.address);
  return out;
}

Status check_free(const Context& ctx, const vm::PortForward& port)
{
  if (port.protocol != vm::Protocol::tcp) return ok();
  const auto tried = sys::listen_tcp(port.host_address, port.host_port);
  if (tried) return ok();
  return fail(Errc::io, "port {}:{} is taken{} ({})\nlet dstack choose a free one: --port auto:{}",
              port.host_address, port.host_port, holder_of(ctx, port), tried.error().message(),
              port.vm_port);
}

namespace {

/// The guest agent's own port is in no compose file, so an update would lose it.
void keep_agent_port(PortPlan& plan, const std::vector<vm::PortForward>& kept)
{
  constexpr std::uint16_t agent_port = 8090;
  const auto is_agent = [](const vm::PortForward& port) { return port.vm_port == agent_port; };
  if (std::any_of(plan.forwards.begin(), plan.forwards.end(), is_agent)) return;
  std::copy_if(kept.begin(), kept.end(), std::back_inserter(plan.forwards), is_agent);
}

} // namespace

Result<PortPlan> plan_ports(const Context& ctx,
                            const std::vector<std::string>& specs,
                            const compose::Project& project,
                            const std::vector<vm::PortForward>& kept)
{
  PortPlan plan;
  for (const std::string& text : specs)
    plan.forwards.push_back(TRY(settle(TRY(parse_port_spec(text)))));
  TRY(add_published(plan, project, kept));
  keep_agent_port(plan, kept);
  for (const vm::PortForward& port : plan.forwards) {
    const bool already_ours = std::find(kept.begin(), kept.end(), port) != kept.end();
    if (!already_ours) TRY(check_free(ctx, port));
  }
  return plan;
}

void drop_unreachable(PortPlan& plan, const store::VmPlacement& placement)
{
  if (store::has_user_network(placement)) return;
  const std::string& address = placement.networks.front().address;
  const std::string host = address.substr(0, address.find('/'));
  for (const vm::PortForward& port : plan.forwards)
    plan.remarks.push_back(fmt::format("no port of this machine leads to the VM (no user network): "
                                       "reach {}:{}",
                                       host, port.vm_port));
  plan.forwards.clear();
}

} // namespace dstack::cli
