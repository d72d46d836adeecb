// Memory, NUMA nodes with their huge pages, and what this process may take of it.
#include "probe/probe.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace dstack::probe {

using codec::Json;

namespace {

constexpr std::uint64_t kibibyte = 1024;
constexpr std::string_view nodes_directory = "sys/devices/system/node";

/// Bytes of "MemTotal:   1024 kB", also behind "Node 0 ".
std::optional<std::uint64_t> meminfo(std::string_view text, std::string_view name)
{
  for (const std::string_view line : split(text, '\n')) {
    const auto at = line.find(name);
    if (at == std::string_view::npos || line.substr(at + name.size(), 1) != ":") continue;
    const std::string_view value = trim(line.substr(at + name.size() + 1));
    const auto number = parse_u64(value.substr(0, value.find(' ')));
    if (number) return *number * kibibyte;
  }
  return std::nullopt;
}

/// The number behind a prefix in a file name: "node3" -> 3.
std::optional<std::uint64_t> numbered(std::string_view name, std::string_view prefix)
{
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = name.substr(prefix.size());
  const auto number = parse_u64(rest.substr(0, rest.find_first_not_of("0123456789")));
  return number ? std::optional{*number} : std::nullopt;
}

std::vector<std::string> names_in(const Places& places, const sys::fs::path& directory)
{
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : sys::fs::directory_iterator{places.root / directory, ignored})
    out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t count_at(const Places& places, const std::string& path)
{
  const auto number = parse_u64(text_at(places, path));
  return number ? *number : 0;
}

host::NumaNode node_at(const Places& places, std::uint64_t number)
{
  const std::string directory = fmt::format("{}/node{}", nodes_directory, number);
  host::NumaNode node;
  node.number = number;
  node.cpus = text_at(places, directory + "/cpulist");
  node.memory_bytes = meminfo(text_at(places, directory + "/meminfo"), "MemTotal").value_or(0);
  for (const std::string& name : names_in(places, directory + "/hugepages")) {
    const auto kib = numbered(name, "hugepages-");
    if (!kib) continue;
    const std::string pages = fmt::format("{}/hugepages/{}/", directory, name);
    node.pages.push_back({*kib, count_at(places, pages + "nr_hugepages"),
                          count_at(places, pages + "free_hugepages")});
  }
  return node;
}

std::uint64_t soft_limit(__rlimit_resource_t resource)
{
  rlimit limit{};
  return ::getrlimit(resource, &limit) == 0 ? limit.rlim_cur : 0;
}

/// memory.max of the control group this process is in (cgroup v2); nothing where there is none.
std::optional<std::uint64_t> control_group_memory(const Places& places)
{
  const std::string groups = text_at(places, "proc/self/cgroup");
  for (const std::string_view line : split(groups, '\n')) {
    if (!line.starts_with("0::/")) continue;
    const std::string path = fmt::format("sys/fs/cgroup/{}/memory.max", line.substr(4));
    const auto bytes = parse_u64(text_at(places, path));
    if (bytes) return *bytes;
  }
  return std::nullopt;
}

} // namespace

void add_memory(const Places& places, Json& facts)
{
  const std::string all = text_at(places, "proc/meminfo");
  Json memory = Json::object();
  if (const auto total = meminfo(all, "MemTotal")) memory.set("total_bytes", *total);
  if (const auto free = meminfo(all, "MemAvailable")) memory.set("available_bytes", *free);
  facts.set("memory", std::move(memory));
  Json nodes = Json::array();
  for (const std::string& name : names_in(places, nodes_directory))
    if (const auto number = numbered(name, "node")) nodes.push(to_json(node_at(places, *number)));
  facts.set("numa", std::move(nodes));
  Json limits;
  limits.set("memlock_bytes", soft_limit(RLIMIT_MEMLOCK));
  limits.set("open_files", soft_limit(RLIMIT_NOFILE));
  if (const auto most = control_group_memory(places)) limits.set("cgroup_memory_bytes", *most);
  facts.set("limits", std::move(limits));
}

Result<std::string> node_cpus(const Places& places, std::uint64_t node)
{
  std::string cpus = text_at(places, fmt::format("{}/node{}/cpulist", nodes_directory, node));
  if (cpus.empty()) return fail(Errc::not_found, "this machine has no CPUs on NUMA node {}", node);
  return cpus;
}

} // namespace dstack::probe
