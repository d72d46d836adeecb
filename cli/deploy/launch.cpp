#include "cli/deploy/launch.hpp"

#include "base/text.hpp"
#include "cli/deploy/create.hpp"
#include "cli/deploy/gateway.hpp"
#include "cli/deploy/sys_config.hpp"
#include "cli/supervisor.hpp"
#include "cli/vms.hpp"
#include "codec/json_list.hpp"

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds probe_timeout{20'000};

codec::Json probe_json(const Probe& probe)
{
  codec::Json out = codec::Json::object();
  out.set("url", probe.url)
      .set("vm_port", static_cast<int>(probe.port.vm_port))
      .set("host_port", static_cast<int>(probe.port.host_port))
      .set("protocol", vm::name_of(probe.port.protocol))
      .set("answered", probe.answered);
  if (probe.http) out.set("http_status", probe.http_status);
  return out;
}

std::optional<Predicted> predicted_registers(const store::VmRecord& vm)
{
  if (vm.spec.tee == store::Tee::sim) return {};
  const auto machine = machine_of(vm.spec);
  if (!machine) return {};
  auto out = predict(vm.spec, *machine);
  return out ? std::optional{*std::move(out)} : std::nullopt;
}

std::string_view word_for(const Launched& launched)
{
  if (!launched.waited) return "starting";
  switch (launched.end) {
  case BootEnd::ready:
    return "running";
  case BootEnd::timed_out:
  case BootEnd::interrupted:
    return "booting";
  }
  return "";
}

void print_document(Context& ctx,
                    const store::VmRecord& vm,
                    const Launched& launched,
                    const Stages& stages,
                    const GuestSays& told,
                    std::string_view schema)
{
  codec::Json times = codec::Json::array();
  for (const StageTime& stage : stages.times())
    times.push(codec::Json::object().set("name", stage.name).set("ms", stage.ms));
  codec::Json out = codec::Json::object();
  out.set("schema", schema)
      .set("id", vm.spec.id)
      .set("name", vm.spec.name)
      .set("status", word_for(launched))
      .set("simulated", vm.spec.tee == store::Tee::sim)
      .set("app_id", vm.spec.app.app_id)
      .set("instance_id", vm.state.instance_id)
      .set("compose_hash", vm.spec.app.compose_hash)
      .set("image", vm.spec.image.name)
      .set("os_image_hash", vm.spec.image.os_image_hash)
      .set("urls", codec::list_of(launched.probes, probe_json))
      .set("measurements", told.measured ? measurements_json(*told.measured) : codec::Json{})
      .set("stages", times)
      .set("total_ms", stages.total_ms());
  if (told.predicted) out.set("predicted", predicted_json(*told.predicted));
  if (told.gateway) out.set("gateway", gateway_json(*told.gateway, vm.spec));
  ctx.ui().document(out);
}

/// The guest's word on its registers against what was predicted; a quote proves it.
void compare_registers(Context& ctx, const store::VmRecord& vm, const GuestSays& told)
{
  if (!told.predicted || !told.measured) return;
  const auto other = not_as_predicted(*told.predicted, *told.measured);
  if (other.empty()) return;
  ctx.ui().warn(fmt::format("{} not as predicted: 'dstack quote get {} > quote.json', then 'dstack "
                            "diagnose quote.json --image {}' says why",
                            join(other, ", "), vm.spec.name, vm.spec.image.path.string()));
}

void print_summary(Context& ctx,
                   const store::VmRecord& vm,
                   const Launched& launched,
                   const GuestSays& told)
{
  Console& ui = ctx.ui();
  for (const Probe& probe : launched.probes) {
    if (probe.answered)
      ui.line(fmt::format("{}  {}", ui.paint_out(Tone::bold, probe.url),
                          probe.http ? fmt::format("answers (HTTP {})", probe.http_status)
                                     : "answers"));
    else
      ui.line(fmt::format("{}  does not answer yet", probe.url));
  }
  ui.line(fmt::format("app id        {}", vm.spec.app.app_id));
  if (!vm.state.instance_id.empty()) ui.line(fmt::format("instance id   {}", vm.state.instance_id));
  ui.line(fmt::format("compose hash  {}", vm.spec.app.compose_hash));
  ui.line(fmt::format("OS image      {} ({})", vm.spec.image.os_image_hash, vm.spec.image.name));
  if (told.gateway) print_gateway(ui, *told.gateway, vm.spec);
  if (told.measured) print_measurements(ui, *told.measured);
  if (vm.spec.tee == store::Tee::sim)
    ui.line(ui.paint_out(Tone::warn, "simulated: no TEE hardware; nothing here is confidential"));
}

} // namespace

void add_wait_options(Leaf& leaf, LaunchOptions& options, SettingOptions& settings)
{
  leaf.flag("-d,--detach,--no-wait", options.detach,
            "Return once the VM boots; do not wait for the app")
      .group("Waiting");
  leaf.flag("--wait", options.wait,
            "Return when the app's published ports answer (the default); wins over -d")
      .group("Waiting");
  // The VM keeps running when the time is over, exit status 8.
  settings.add(leaf, "--wait-timeout", "deploy.wait_timeout").group("Waiting");
}

Result<Launched> launch(Context& ctx,
                        const store::VmRecord& vm,
                        const LaunchOptions& options,
                        const config::Config& config,
                        Stages& stages,
                        const std::function<void()>& release_lock)
{
  refresh_sys_config(vm);
  stages.begin("start the VM");
  TRY(start_supervisor(ctx, vm).within("start {}", shown_name(vm)));
  stages.end();
  release_lock();
  Launched out;
  out.waited = options.wait || !options.detach;
  if (!out.waited) return out;
  const BootWait wait{std::chrono::milliseconds{config.duration_ms("deploy.wait_timeout")}};
  const BootOutcome outcome = TRY(follow_boot(vm, wait, stages));
  out.end = outcome.end;
  out.signal = outcome.signal;
  if (out.end != BootEnd::ready) return out;
  stages.begin("fetch the published ports");
  out.probes = probe_ports(vm.spec, probe_timeout);
  stages.end();
  return out;
}

Result<Exit> report_launch(Context& ctx,
                           const store::VmRecord& vm,
                           const Launched& launched,
                           const Stages& stages,
                           std::string_view schema)
{
  const store::VmRecord now = TRY(vm_store(ctx).get(vm.spec.id));
  GuestSays told;
  const bool ready = launched.waited && launched.end == BootEnd::ready;
  if (ready) {
    if (auto got = guest_measurements(now)) told.measured = std::move(*got);
    told.predicted = predicted_registers(now);
    told.gateway = guest_gateway(now);
  }
  if (ctx.ui().json())
    print_document(ctx, now, launched, stages, told, schema);
  else if (ctx.globals().quiet)
    ctx.ui().line(now.spec.id);
  else if (ready)
    print_summary(ctx, now, launched, told);
  else
    ctx.ui().line(fmt::format("{} {}", now.spec.name, word_for(launched)));
  compare_registers(ctx, now, told);

  const std::string next =
      fmt::format("the VM keeps running: 'dstack logs --console -f {0}' shows its boot, "
                  "'dstack stop {0}' ends it",
                  now.spec.name);
  if (launched.waited && launched.end == BootEnd::interrupted) {
    ctx.ui().note(fmt::format("interrupted; {}", next));
    return static_cast<Exit>(128 + launched.signal);
  }
  if (launched.waited && launched.end == BootEnd::timed_out) {
    ctx.ui().note(fmt::format("the app was not ready in time (--wait-timeout); {}", next));
    return Exit::waited;
  }
  for (const Probe& probe : launched.probes)
    if (!probe.answered && probe.port.protocol == vm::Protocol::tcp) {
      ctx.ui().warn(fmt::format("{} does not answer from the host", probe.url));
      return Exit::failed;
    }
  return Exit::ok;
}

} // namespace dstack::cli
