#pragma once
/// Which ports of the VM are reachable where on the host.

#include "cli/context.hpp"
#include "compose/project.hpp"
#include "store/vm_store.hpp"

#include <optional>

namespace dstack::cli {

/// "8080", "80:8080", "tcp:80:8080", "tcp:0.0.0.0:80:8080" (spec host 2.2). Without a host port, or
/// with "auto" or 0, a free one is chosen.
struct PortSpec {
  vm::Protocol protocol = vm::Protocol::tcp;
  std::string address = "127.0.0.1";
  std::optional<std::uint16_t> host_port;
  std::uint16_t vm_port = 0;
};
Result<PortSpec> parse_port_spec(std::string_view text);

struct PortPlan {
  std::vector<vm::PortForward> forwards;
  std::vector<std::string> remarks; ///< published ports that cannot be reached, and why
};

/// What --port asks for, then every other published port of the compose file under its own number;
/// kept forwards (of an update) keep their host port, and the agent's port 8090 stays. Every port
/// is bound once to see it is free.
Result<PortPlan> plan_ports(const Context& ctx,
                            const std::vector<std::string>& specs,
                            const compose::Project& project,
                            const std::vector<vm::PortForward>& kept);

/// Without a user network nothing is forwarded: its ports are reached at the VM's own address, which
/// the remarks then say.
void drop_unreachable(PortPlan& plan, const store::VmPlacement& placement);

/// Fails naming who may hold the port and what to type instead.
Status check_free(const Context& ctx, const vm::PortForward& port);

} // namespace dstack::cli
