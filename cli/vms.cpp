#include "cli/vms.hpp"

#include "codec/json_list.hpp"

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds lock_wait{500};

std::vector<Candidate> candidates(Context& ctx,
                                  const std::function<bool(const store::VmRecord&)>& keep)
{
  std::vector<Candidate> out;
  const auto all = vm_store(ctx).list();
  if (!all) return out;
  for (const store::VmRecord& vm : *all)
    if (keep(vm)) out.push_back({shown_name(vm), store::shown_status(vm)});
  return out;
}

} // namespace

store::VmStore vm_store(const Context& ctx)
{
  return store::VmStore{ctx.vms_dir()};
}

Result<store::VmRecord> pick_vm(const Context& ctx, std::string_view word)
{
  const store::VmStore store = vm_store(ctx);
  if (!word.empty()) return store.find(word);
  auto all = TRY(store.list());
  if (all.size() == 1) return std::move(all.front());
  if (all.empty())
    return fail(Errc::not_found, "there is no VM yet\n'dstack deploy compose.yaml' makes one");
  std::vector<std::string> names;
  for (const store::VmRecord& vm : all)
    names.push_back(shown_name(vm));
  return fail(Errc::usage, "which VM? There are {}", join(names, ", "));
}

std::string shown_name(const store::VmRecord& vm)
{
  return vm.spec.name.empty() ? vm.spec.id : vm.spec.name;
}

std::string url_of(const vm::PortForward& port)
{
  std::string host = port.host_address;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const char* scheme = port.protocol == vm::Protocol::udp ? "udp"
                       : port.vm_port == 443              ? "https"
                                                          : "http";
  return fmt::format("{}://{}:{}", scheme, host, port.host_port);
}

std::vector<std::string> urls_of(const store::VmSpec& spec)
{
  std::vector<std::string> out;
  for (const vm::PortForward& port : spec.ports)
    out.push_back(url_of(port));
  return out;
}

codec::Json vm_json(const store::VmRecord& vm)
{
  codec::Json ports = codec::Json::array();
  for (const vm::PortForward& port : vm.spec.ports)
    ports.push(store::to_json(port));
  codec::Json out = codec::Json::object();
  out.set("id", vm.spec.id)
      .set("name", vm.spec.name)
      .set("status", store::shown_status(vm))
      .set("running", store::is_alive(vm) && vm.state.status == store::VmStatus::running)
      .set("simulated", vm.spec.tee == store::Tee::sim)
      .set("app_name", vm.spec.app.name)
      .set("app_id", vm.spec.app.app_id)
      .set("instance_id", vm.state.instance_id)
      .set("compose_hash", vm.spec.app.compose_hash)
      .set("image", vm.spec.image.name)
      .set("created_at", vm.spec.created_at)
      .set("started_at", vm.state.started_at)
      .set("urls", codec::list_of(urls_of(vm.spec)))
      .set("ports", ports)
      .set("last_error", vm.state.last_error);
  if (!vm.problem.empty()) out.set("problem", vm.problem);
  return out;
}

std::vector<Candidate> vm_names(Context& ctx)
{
  return candidates(ctx, [](const store::VmRecord&) { return true; });
}

std::vector<Candidate> live_vm_names(Context& ctx)
{
  return candidates(ctx, [](const store::VmRecord& vm) { return store::is_alive(vm); });
}

Result<sys::FileLock> lock_vm(const Context& ctx, const store::VmRecord& vm, std::string_view what)
{
  return vm_store(ctx).lock(vm, what, lock_wait);
}

} // namespace dstack::cli
