#include "store/vm_spec.hpp"

#include "base/address.hpp"
#include "base/text.hpp"
#include "codec/json_list.hpp"

#include <algorithm>

namespace dstack::store {

using codec::Json;

namespace {

constexpr std::string_view spec_schema = "dstack.vm/1";
constexpr std::string_view state_schema = "dstack.vm-state/1";
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t max_cpus = 512;
constexpr std::uint64_t max_memory = std::uint64_t{16} << 40U;
constexpr std::uint64_t max_disk = std::uint64_t{1} << 50U;
constexpr std::uint64_t max_deadline_ms = std::uint64_t{24} * 3600 * 1000;
constexpr std::size_t max_ports = 256;
constexpr std::size_t max_stages = 1000;

/// An enum and its names, in one place for both directions.
template <class E> struct Named {
  E value;
  std::string_view name;
};

constexpr std::array tees{Named<Tee>{Tee::sim, "sim"}, Named<Tee>{Tee::tdx, "tdx"},
                          Named<Tee>{Tee::snp, "snp"}};
constexpr std::array policies{Named<RestartPolicy>{RestartPolicy::no, "no"},
                              Named<RestartPolicy>{RestartPolicy::on_failure, "on-failure"},
                              Named<RestartPolicy>{RestartPolicy::always, "always"}};
constexpr std::array statuses{Named<VmStatus>{VmStatus::created, "created"},
                              Named<VmStatus>{VmStatus::starting, "starting"},
                              Named<VmStatus>{VmStatus::booting, "booting"},
                              Named<VmStatus>{VmStatus::running, "running"},
                              Named<VmStatus>{VmStatus::stopping, "stopping"},
                              Named<VmStatus>{VmStatus::stopped, "stopped"},
                              Named<VmStatus>{VmStatus::failed, "failed"}};

template <class E, std::size_t N>
std::string_view name_in(const std::array<Named<E>, N>& names, E value)
{
  for (const auto& entry : names)
    if (entry.value == value) return entry.name;
  bug("enum value without a name");
}

template <class E, std::size_t N>
Result<E> value_in(const std::array<Named<E>, N>& names, std::string_view name)
{
  std::vector<std::string> wanted;
  for (const auto& entry : names) {
    if (entry.name == name) return entry.value;
    wanted.emplace_back(entry.name);
  }
  return fail(Errc::malformed, "'{}' (want {})", printable(name), join(wanted, ", "));
}

Result<std::uint64_t>
need_between(const Json& json, std::string_view key, std::uint64_t least, std::uint64_t most)
{
  const std::uint64_t value = TRY(json.need_u64(key));
  if (value < least || value > most)
    return fail(Errc::malformed, "{}: {} (want {} to {})", key, value, least, most);
  return value;
}

Result<std::string> need_hex(const Json& json, std::string_view key, std::size_t bytes)
{
  const std::string text = TRY(json.need_string(key));
  if (text.size() != 2 * bytes || !parse_hex(text) || lower(text) != text)
    return fail(Errc::malformed, "{}: '{}' (want {} lower-case hex digits)", key, printable(text),
                2 * bytes);
  return text;
}

Result<vm::PortForward> port_from_json(const Json& json)
{
  vm::PortForward port;
  port.protocol = TRY(vm::parse_protocol(TRY(json.need_string("protocol"))).within("protocol"));
  port.host_address = TRY(json.need_string("host_address"));
  if (!is_ip_address(port.host_address))
    return fail(Errc::malformed, "host_address: '{}' is not a numeric address",
                printable(port.host_address));
  port.host_port = static_cast<std::uint16_t>(TRY(need_between(json, "host_port", 1, 65535)));
  port.vm_port = static_cast<std::uint16_t>(TRY(need_between(json, "vm_port", 1, 65535)));
  return port;
}

Result<VmImage> image_from_json(const Json& json)
{
  VmImage image;
  image.name = TRY(json.need_string("name"));
  image.path = TRY(json.need_string("path"));
  image.os_image_hash = TRY(need_hex(json, "os_image_hash", 32));
  if (!image.path.is_absolute())
    return fail(Errc::malformed, "path: '{}' is not absolute", printable(image.path.string()));
  return image;
}

Result<VmApp> app_from_json(const Json& json)
{
  VmApp app;
  app.name = TRY(json.need_string("name"));
  app.app_id = TRY(need_hex(json, "app_id", 20));
  app.compose_hash = TRY(need_hex(json, "compose_hash", 32));
  return app;
}

Json to_json(const VmKms& kms)
{
  Json out;
  out.set("urls", codec::list_of(kms.urls)).set("signer", kms.signer);
  return out.set("directory", kms.directory.string());
}

Result<VmKms> kms_from_json(const Json& json)
{
  VmKms kms;
  kms.urls = TRY(json.get_strings("urls"));
  kms.signer = TRY(json.get_string("signer", ""));
  if (!kms.signer.empty()) kms.signer = TRY(need_hex(json, "signer", 33));
  kms.directory = TRY(json.get_string("directory", ""));
  if (!kms.directory.empty() && !kms.directory.is_absolute())
    return fail(Errc::malformed, "directory: '{}' is not absolute",
                printable(kms.directory.string()));
  return kms;
}

Result<VmRestart> restart_from_json(const Json& json)
{
  VmRestart restart;
  restart.policy = TRY(parse_restart_policy(TRY(json.need_string("policy"))).within("policy"));
  restart.max_retries =
      static_cast<std::uint32_t>(TRY(need_between(json, "max_retries", 0, 1'000'000)));
  return restart;
}

Result<std::vector<vm::PortForward>> ports_from_json(const Json& json)
{
  if (json.items().size() > max_ports)
    return fail(Errc::malformed, "{} ports (at most {})", json.items().size(), max_ports);
  std::vector<vm::PortForward> ports;
  for (const Json& item : json.items())
    ports.push_back(TRY(port_from_json(item).within("number {}", ports.size() + 1)));
  return ports;
}

/// A plain name without a path in it; may be empty.
Result<std::string> get_file_name(const Json& json, std::string_view key)
{
  std::string name = TRY(json.get_string(key, ""));
  if (name.find('/') != std::string::npos || name == "." || name == "..")
    return fail(Errc::malformed, "{}: '{}' is not a plain file name", key, printable(name));
  return name;
}

Status read_machine(const Json& json, VmSpec& spec)
{
  spec.cpus = static_cast<std::uint32_t>(TRY(need_between(json, "cpus", 1, max_cpus)));
  spec.memory_bytes = TRY(need_between(json, "memory_bytes", 64 * mebibyte, max_memory));
  if (spec.memory_bytes % mebibyte != 0)
    return fail(Errc::malformed, "memory_bytes: {} is not a whole number of MiB",
                spec.memory_bytes);
  spec.disk_bytes = TRY(need_between(json, "disk_bytes", 64 * mebibyte, max_disk));
  spec.tee = TRY(parse_tee(TRY(json.need_string("tee"))).within("tee"));
  spec.boot_deadline_ms = TRY(need_between(json, "boot_deadline_ms", 1000, max_deadline_ms));
  return ok();
}

} // namespace

std::string_view name_of(Tee tee)
{
  return name_in(tees, tee);
}
std::string_view shown_name(Tee tee)
{
  return tee == Tee::sim ? "simulated" : name_of(tee);
}
std::string_view name_of(RestartPolicy policy)
{
  return name_in(policies, policy);
}
std::string_view name_of(VmStatus status)
{
  return name_in(statuses, status);
}
Result<Tee> parse_tee(std::string_view name)
{
  return value_in(tees, name);
}
Result<RestartPolicy> parse_restart_policy(std::string_view name)
{
  return value_in(policies, name);
}

Status check_vm_name(std::string_view name)
{
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool good =
      !name.empty() && name.size() <= 63 && alphanumeric(name.front()) &&
      alphanumeric(name.back()) &&
      std::all_of(name.begin(), name.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
  if (good) return ok();
  return fail(Errc::malformed,
              "'{}' is no VM name (want 1 to 63 of a-z, 0-9 and -, not - at either end)",
              printable(name));
}

bool is_vm_id(std::string_view text)
{
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Json to_json(const vm::PortForward& port)
{
  Json json;
  json.set("protocol", vm::name_of(port.protocol)).set("host_address", port.host_address);
  return json.set("host_port", unsigned{port.host_port}).set("vm_port", unsigned{port.vm_port});
}

Json to_json(const VmSpec& spec)
{
  Json image;
  image.set("name", spec.image.name).set("path", spec.image.path.string());
  image.set("os_image_hash", spec.image.os_image_hash);
  Json ports = Json::array();
  for (const auto& port : spec.ports)
    ports.push(to_json(port));
  Json restart;
  restart.set("policy", name_of(spec.restart.policy)).set("max_retries", spec.restart.max_retries);
  Json app;
  app.set("name", spec.app.name).set("app_id", spec.app.app_id);
  app.set("compose_hash", spec.app.compose_hash);
  Json json;
  json.set("schema", spec_schema).set("id", spec.id).set("name", spec.name);
  json.set("created_at", spec.created_at).set("image", std::move(image)).set("cpus", spec.cpus);
  json.set("memory_bytes", spec.memory_bytes).set("disk_bytes", spec.disk_bytes);
  json.set("tee", name_of(spec.tee)).set("ports", std::move(ports));
  if (spec.placement != VmPlacement{}) json.set("placement", to_json(spec.placement));
  json.set("restart", std::move(restart)).set("app", std::move(app)).set("bundle", spec.bundle);
  if (!spec.kms.urls.empty()) json.set("kms", to_json(spec.kms));
  if (!spec.gateway_urls.empty()) json.set("gateway_urls", codec::list_of(spec.gateway_urls));
  json.set("registry_mirror", spec.registry_mirror);
  json.set("insecure_skip_image_check", spec.insecure_skip_image_check);
  json.set("insecure_registries", codec::list_of(spec.insecure_registries));
  return json.set("boot_deadline_ms", spec.boot_deadline_ms);
}

Json to_json(const VmState& state)
{
  Json stages = Json::array();
  for (const auto& stage : state.stages)
    stages.push(Json{}.set("name", stage.name).set("text", stage.text).set("at_ms", stage.at_ms));
  Json json;
  json.set("schema", state_schema).set("status", name_of(state.status)).set("pid", state.pid);
  json.set("qemu_pid", state.qemu_pid).set("started_at", state.started_at);
  json.set("stages", std::move(stages)).set("instance_id", state.instance_id);
  json.set("app_id", state.app_id).set("restarts", state.restarts);
  json.set("last_error", state.last_error).set("simulated", state.simulated);
  return json.set("exit", state.exit);
}

Result<VmSpec> spec_from_json(const Json& json)
{
  VmSpec spec;
  const std::string schema = TRY(json.need_string("schema"));
  if (schema != spec_schema)
    return fail(Errc::unsupported, "schema '{}' (want {})", printable(schema), spec_schema);
  spec.id = TRY(json.need_string("id"));
  if (!is_vm_id(spec.id))
    return fail(Errc::malformed, "id: '{}' (want 12 lower-case hex digits)", printable(spec.id));
  spec.name = TRY(json.need_string("name"));
  TRY(check_vm_name(spec.name).within("name"));
  spec.created_at = TRY(json.need_string("created_at"));
  spec.image = TRY(image_from_json(*TRY(json.need_object("image"))).within("image"));
  TRY(read_machine(json, spec));
  spec.ports = TRY(ports_from_json(*TRY(json.need_array("ports"))).within("ports"));
  if (json.find("placement") != nullptr)
    spec.placement =
        TRY(placement_from_json(*TRY(json.need_object("placement"))).within("placement"));
  spec.restart = TRY(restart_from_json(*TRY(json.need_object("restart"))).within("restart"));
  spec.app = TRY(app_from_json(*TRY(json.need_object("app"))).within("app"));
  if (const Json* kms = json.find("kms"); kms != nullptr && !kms->is_null())
    spec.kms = TRY(kms_from_json(*kms).within("kms"));
  spec.gateway_urls = TRY(json.get_strings("gateway_urls"));
  spec.bundle = TRY(get_file_name(json, "bundle"));
  spec.registry_mirror = TRY(json.get_string("registry_mirror", ""));
  spec.insecure_skip_image_check = TRY(json.get_bool("insecure_skip_image_check", false));
  spec.insecure_registries = TRY(json.get_strings("insecure_registries"));
  return spec;
}

Result<VmState> state_from_json(const Json& json)
{
  constexpr std::uint64_t max_pid = std::uint64_t{1} << 31U;
  VmState state;
  state.status = TRY(value_in(statuses, TRY(json.need_string("status"))).within("status"));
  state.pid = static_cast<std::int64_t>(TRY(need_between(json, "pid", 0, max_pid)));
  state.qemu_pid = static_cast<std::int64_t>(TRY(need_between(json, "qemu_pid", 0, max_pid)));
  state.started_at = TRY(json.get_string("started_at", ""));
  const codec::JsonArray& stages = TRY(json.need_array("stages"))->items();
  if (stages.size() > max_stages) return fail(Errc::malformed, "{} stages", stages.size());
  for (const Json& item : stages) {
    VmStage stage;
    stage.name = TRY(item.need_string("name").within("stages"));
    stage.text = TRY(item.get_string("text", "").within("stages"));
    stage.at_ms = TRY(item.need_u64("at_ms").within("stages"));
    state.stages.push_back(std::move(stage));
  }
  state.instance_id = TRY(json.get_string("instance_id", ""));
  state.app_id = TRY(json.get_string("app_id", ""));
  state.restarts = static_cast<std::uint32_t>(TRY(need_between(json, "restarts", 0, 0xffffffffU)));
  state.last_error = TRY(json.get_string("last_error", ""));
  state.simulated = TRY(json.get_bool("simulated", false));
  state.exit = TRY(json.get_string("exit", ""));
  return state;
}

} // namespace dstack::store
