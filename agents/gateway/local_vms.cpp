#include "agents/gateway/local_vms.hpp"

#include "base/text.hpp"
#include "store/vm_store.hpp"

namespace dstack::gatewaynode {

namespace {

Forwards forwards_of(const store::VmSpec& spec)
{
  Forwards out;
  for (const vm::PortForward& one : spec.ports) {
    auto address = route::parse_address(one.host_address);
    if (one.protocol != vm::Protocol::tcp || !address || one.host_port == 0) continue;
    // Listening everywhere is not an address to connect to.
    if (address->text() == "0.0.0.0") address = route::parse_address("127.0.0.1");
    if (address->text() == "::") address = route::parse_address("::1");
    out[one.vm_port] = {*address, one.host_port};
  }
  return out;
}

} // namespace

Result<std::map<std::string, Forwards>> read_local_vms(const sys::fs::path& directory)
{
  std::map<std::string, Forwards> out;
  for (const store::VmRecord& one : TRY(store::VmStore{directory}.list())) {
    if (!one.problem.empty() || one.state.instance_id.empty() || !store::is_alive(one)) continue;
    out[lower(one.state.instance_id)] = forwards_of(one.spec);
  }
  return out;
}

std::string text_of(const Forwards& forwards)
{
  std::vector<std::string> out;
  for (const auto& [port, where] : forwards)
    out.push_back(fmt::format("{}>{}", port, where.text()));
  return join(out, ", ");
}

} // namespace dstack::gatewaynode
