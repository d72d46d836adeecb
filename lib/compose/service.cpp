#include "compose/env_files.hpp"
#include "compose/source.hpp"
#include "oci/reference.hpp"

namespace dstack::compose {

using codec::Yaml;

namespace {

/// Attributes of a service in the compose specification that docker compose 2.26 knows.
const std::vector<std::string>& service_keys()
{
  static const std::vector<std::string> keys = {
      "annotations",
      "attach",
      "blkio_config",
      "build",
      "cap_add",
      "cap_drop",
      "cgroup",
      "cgroup_parent",
      "command",
      "configs",
      "container_name",
      "cpu_count",
      "cpu_percent",
      "cpu_period",
      "cpu_quota",
      "cpu_rt_period",
      "cpu_rt_runtime",
      "cpu_shares",
      "cpus",
      "cpuset",
      "credential_spec",
      "depends_on",
      "deploy",
      "develop",
      "device_cgroup_rules",
      "devices",
      "dns",
      "dns_opt",
      "dns_search",
      "domainname",
      "entrypoint",
      "env_file",
      "environment",
      "expose",
      "extends",
      "external_links",
      "extra_hosts",
      "group_add",
      "healthcheck",
      "hostname",
      "image",
      "init",
      "ipc",
      "isolation",
      "labels",
      "links",
      "logging",
      "mac_address",
      "mem_limit",
      "mem_reservation",
      "mem_swappiness",
      "memswap_limit",
      "network_mode",
      "networks",
      "oom_kill_disable",
      "oom_score_adj",
      "pid",
      "pids_limit",
      "platform",
      "ports",
      "privileged",
      "profiles",
      "pull_policy",
      "read_only",
      "restart",
      "runtime",
      "scale",
      "secrets",
      "security_opt",
      "shm_size",
      "stdin_open",
      "stop_grace_period",
      "stop_signal",
      "storage_opt",
      "sysctls",
      "tmpfs",
      "tty",
      "ulimits",
      "user",
      "userns_mode",
      "uts",
      "volumes",
      "volumes_from",
      "working_dir",
  };
  return keys;
}

struct Refusal {
  std::string_view key;
  std::string_view why;
};

constexpr Refusal refusals[] = {
    {"build",
     "build: nothing is built inside a confidential VM; build and push the image first, or put it "
     "in an OCI layout and pass --images"},
    {"extends", "extends: what runs must be in one file; copy the extended service into this one"},
    {"devices", "devices: a confidential VM has no devices of its host; remove this"},
    {"external_links", "external_links: nothing else runs in the VM; use a service of this file"},
};

bool is_service_name(std::string_view name)
{
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool is_empty(const Yaml& node)
{
  return node.is_null() || (node.is_list() && node.items.empty()) ||
         (node.is_map() && node.members.empty());
}

Status refuse_unsuitable(const Source& source, const codec::YamlMember& service)
{
  const std::string what = fmt::format("service '{}'", service.key);
  for (const auto& member : service.value.members)
    for (const Refusal& refusal : refusals)
      if (member.key == refusal.key && !is_empty(member.value))
        return source.at(member.at, "{}: {}", what, refusal.why);
  return source.only_keys(service.value, what, service_keys());
}

Status read_image(const Source& source, const codec::YamlMember& member, Service& out)
{
  const Yaml* image = member.value.find("image");
  if (image == nullptr || image->is_null())
    return source.at(member.at, "service '{}' names no image", out.name);
  if (!image->is_string())
    return source.at(image->at, "service '{}': image: a text is wanted", out.name);
  const auto reference = oci::parse_reference(image->text);
  if (!reference)
    return source.at(image->at, "service '{}': {}", out.name, reference.error().message());
  out.image = image->text;
  out.image_span = {image->begin, image->end, image->at};
  return ok();
}

Result<EnvFile> env_file(const Source& source, const Yaml& node)
{
  EnvFile out;
  out.at = node.at;
  const Yaml* path = &node;
  if (node.is_map()) {
    TRY(source.only_keys(node, "env_file", {"path", "required"}));
    path = node.find("path");
    if (path == nullptr) return source.at(node.at, "env_file: path is missing");
    if (const Yaml* required = node.find("required"))
      out.required = TRY(source.flag(*required, "required"));
  }
  out.path = TRY(source.text(*path, "env_file"));
  while (out.path.starts_with("./"))
    out.path.erase(0, 2);
  const auto good = check_relative_path(out.path);
  if (!good)
    return source.at(path->at,
                     "env_file: {}; environment files must lie beside or below the compose file",
                     good.error().message());
  return out;
}

Result<std::vector<EnvFile>> read_env_files(const Source& source, const Yaml& node)
{
  std::vector<EnvFile> out;
  if (!node.is_list()) {
    out.push_back(TRY(env_file(source, node)));
    return out;
  }
  for (const Yaml& item : node.items)
    out.push_back(TRY(env_file(source, item)));
  return out;
}

Result<std::vector<std::string>> read_depends(const Source& source, const Yaml& node)
{
  if (!node.is_map()) return source.texts(node, "depends_on");
  std::vector<std::string> out;
  for (const auto& member : node.members)
    out.push_back(member.key);
  return out;
}

/// What dockerd takes; compose passes any word on, and the VM would find out.
bool is_restart_policy(std::string_view text)
{
  for (const std::string_view known : {"", "no", "always", "unless-stopped", "on-failure"})
    if (text == known) return true;
  constexpr std::string_view counted = "on-failure:";
  return text.starts_with(counted) && parse_u64(text.substr(counted.size()));
}

} // namespace

Result<Service> read_service(const Source& source, const codec::YamlMember& member)
{
  const Yaml& node = member.value;
  Service out;
  out.name = member.key;
  out.at = member.at;
  if (!is_service_name(out.name))
    return source.at(member.at, "'{}' is no service name", printable(out.name));
  TRY(source.wants_map(node, fmt::format("service '{}'", out.name)));
  TRY(refuse_unsuitable(source, member));
  TRY(read_image(source, member, out));
  if (const Yaml* value = node.find("ports")) out.ports = TRY(read_ports(source, *value));
  if (const Yaml* value = node.find("volumes")) out.mounts = TRY(read_mounts(source, *value));
  if (const Yaml* value = node.find("env_file"))
    out.env_files = TRY(read_env_files(source, *value));
  if (const Yaml* value = node.find("depends_on"))
    out.depends_on = TRY(read_depends(source, *value));
  if (const Yaml* value = node.find("profiles"))
    out.profiles = TRY(source.texts(*value, "profiles"));
  if (const Yaml* value = node.find("network_mode"))
    out.network_mode = TRY(source.text(*value, "network_mode"));
  if (const Yaml* value = node.find("restart")) {
    out.restart = TRY(source.text(*value, "restart"));
    if (!is_restart_policy(out.restart))
      return source.at(
          value->at,
          "service '{}': restart: '{}' (want no, always, unless-stopped, on-failure or "
          "on-failure:TIMES)",
          member.key, printable(out.restart));
  }
  if (const Yaml* value = node.find("privileged"))
    out.privileged = TRY(source.flag(*value, "privileged"));
  return out;
}

} // namespace dstack::compose
