#include "cli/deploy/placement.hpp"

#include "base/address.hpp"
#include "base/text.hpp"
#include "cli/deploy/sys_config.hpp"
#include "cli/exit.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

constexpr std::uint64_t kibibyte = 1024;
constexpr std::string_view all_gpus = "all";
constexpr std::string_view first_domain = "0000:";

Error wrong_network(std::string_view text, std::string_view why)
{
  return fail(Errc::usage,
              "--net {}: {} (want user, bridge:DEVICE or tap:DEVICE, then ,ADDRESS/PREFIX and "
              ",GATEWAY)",
              printable(text), why);
}

/// The addresses behind a device, as far as they are given.
Status add_addresses(const std::vector<std::string_view>& parts, store::VmNetwork& out)
{
  constexpr std::size_t most = 4;
  if (parts.size() > most) return fail(Errc::usage, "too many parts");
  if (parts.size() > 1) out.address = parts[1];
  if (parts.size() > 2) out.gateway = parts[2];
  if (parts.size() > 3) out.dns = parts[3];
  if (parts.size() > 1 && !store::is_ipv4_with_prefix(out.address))
    return fail(Errc::usage, "'{}' is no address with a prefix", out.address);
  for (const std::string& address : {out.gateway, out.dns})
    if (!address.empty() && !is_ipv4_address(address))
      return fail(Errc::usage, "'{}' is no IPv4 address", address);
  return ok();
}

/// Every network, and a first one that the guest can reach others through: it asks nobody for an
/// address.
Result<std::vector<store::VmNetwork>> networks_from(const std::vector<std::string>& texts)
{
  std::vector<store::VmNetwork> out;
  std::size_t users = 0;
  for (const std::string& text : texts) {
    out.push_back(TRY(parse_network(text)));
    users += out.back().mode == vm::NetworkMode::user ? 1U : 0U;
  }
  if (users > 1) return fail(Errc::usage, "--net user: a VM has one user network at most");
  if (!out.empty() && out.front().mode != vm::NetworkMode::user && out.front().gateway.empty())
    return fail(Errc::usage,
                "--net {}: the first network needs ADDRESS/PREFIX and GATEWAY, for the guest has "
                "no DHCP client",
                texts.front());
  return out;
}

Result<host::Gpu> gpu_at(std::string_view word, const std::vector<host::Gpu>& gpus)
{
  std::string slot = lower(word);
  if (!vm::is_pci_slot(slot)) slot = std::string{first_domain} + slot;
  const auto at = std::find_if(gpus.begin(), gpus.end(),
                               [&](const host::Gpu& gpu) { return gpu.slot == slot; });
  if (at != gpus.end()) return *at;
  return fail(Errc::not_found, "--gpu {}: this host has no GPU there\n'dstack doctor --tee tdx' "
                               "lists its GPUs",
              printable(word));
}

Status add_gpus(const PlacementOptions& options,
                const std::vector<host::Gpu>& gpus,
                store::VmPlacement& out)
{
  std::vector<host::Gpu> chosen;
  for (const std::string& word : options.gpus)
    if (word != all_gpus) chosen.push_back(TRY(gpu_at(word, gpus)));
  const bool every = chosen.size() != options.gpus.size();
  if (every && !chosen.empty()) return fail(Errc::usage, "--gpu all: and others by their slot");
  if (every && gpus.empty()) return fail(Errc::not_found, "--gpu all: this host has no GPU");
  for (const host::Gpu& gpu : every ? gpus : chosen) {
    if (gpu.driver != "vfio-pci")
      return fail(Errc::not_found,
                  "--gpu {0}: the host's driver '{1}' has it\n'driverctl set-override {0} vfio-pci' "
                  "frees it for VMs",
                  gpu.slot, gpu.driver.empty() ? "none" : gpu.driver);
    auto& list = gpu.is_switch ? out.nvswitches : out.gpus;
    if (std::find(list.begin(), list.end(), gpu.slot) != list.end())
      return fail(Errc::usage, "--gpu {}: given twice", gpu.slot);
    list.push_back(gpu.slot);
  }
  return ok();
}

Status check_devices(const store::VmPlacement& placement, const host::Facts& facts)
{
  for (const store::VmNetwork& network : placement.networks) {
    if (network.mode != vm::NetworkMode::bridge ||
        facts.lists("bridges", network.host_device))
      continue;
    const auto there = facts.texts("bridges");
    return fail(Errc::not_found, "--net bridge:{}: this host has {}", network.host_device,
                there.empty() ? "no bridges" : "the bridges " + join(there, ", "));
  }
  return ok();
}

std::uint64_t free_pages(const host::NumaNode& node)
{
  std::uint64_t bytes = 0;
  for (const host::HugePages& size : node.pages)
    bytes += size.free * size.page_kib * kibibyte;
  return bytes;
}

Status check_hugepages(const store::VmSpec& spec, const host::Facts& facts)
{
  if (!spec.placement.hugepages) return ok();
  std::uint64_t there = 0;
  for (const host::NumaNode& node : host::numa_nodes(facts))
    there += free_pages(node);
  if (there >= spec.memory_bytes) return ok();
  return fail(Errc::not_found,
              "--hugepages: {} free on this host, {} wanted\nboot it with default_hugepagesz=1G "
              "hugepages=N",
              format_size(there), format_size(spec.memory_bytes));
}

} // namespace

Result<store::VmNetwork> parse_network(std::string_view text)
{
  const auto colon = text.find(':');
  store::VmNetwork out;
  const auto mode = vm::parse_network_mode(text.substr(0, colon));
  if (!mode) return wrong_network(text, "there is no such network");
  out.mode = *mode;
  if (out.mode == vm::NetworkMode::user) {
    if (colon != std::string_view::npos) return wrong_network(text, "user takes nothing more");
    return out;
  }
  const auto parts = split(colon == std::string_view::npos ? "" : text.substr(colon + 1), ',');
  out.host_device = parts.front();
  if (!vm::is_interface_name(out.host_device)) return wrong_network(text, "no device is named");
  const Status addresses = add_addresses(parts, out);
  if (!addresses) return wrong_network(text, addresses.error().message());
  return out;
}

Result<store::VmPlacement> plan_placement(const PlacementOptions& options,
                                          const std::vector<host::Gpu>& gpus)
{
  store::VmPlacement out;
  out.networks = TRY(networks_from(options.networks));
  if (out.networks == std::vector<store::VmNetwork>{{}}) out.networks.clear();
  TRY(add_gpus(options, gpus, out));
  out.hugepages = options.hugepages;
  out.pin_numa = options.pin_numa;
  out.pci_hole64_bytes = options.pci_hole64_bytes;
  out.pci_hotplug = !options.no_pci_hotplug;
  return out;
}

Status
check_fits(const store::VmSpec& spec, const config::Config& config, const host::Facts& facts)
{
  const std::uint64_t most_cpus = config.count("vm.max_cpus");
  const std::uint64_t most_memory = config.bytes("vm.max_memory");
  if (spec.cpus > most_cpus)
    return fail(Errc::usage, "{} CPUs, and this host gives a VM {} at most (vm.max_cpus)",
                spec.cpus, most_cpus);
  if (spec.memory_bytes > most_memory)
    return fail(Errc::usage, "{} of memory, and this host gives a VM {} at most (vm.max_memory)",
                format_size(spec.memory_bytes), format_size(most_memory));
  const bool confidential = spec.tee != store::Tee::sim;
  const std::uint64_t cpus = facts.number("cpu.count").value_or(UINT64_MAX);
  if (confidential && spec.cpus > cpus)
    return fail(Errc::usage, "{} CPUs, and this host has {}", spec.cpus, cpus);
  const std::uint64_t total = facts.number("memory.total_bytes").value_or(UINT64_MAX);
  const std::uint64_t available = facts.number("memory.available_bytes").value_or(UINT64_MAX);
  // A confidential VM's memory is not swapped; huge pages were taken out of what is available.
  const bool kept = confidential && !spec.placement.hugepages;
  if (spec.memory_bytes > (kept ? available : total))
    return fail(Errc::usage, "{} of memory, and this host has {}{}",
                format_size(spec.memory_bytes), format_size(kept ? available : total),
                kept ? " left" : "");
  TRY(check_hugepages(spec, facts));
  return check_devices(spec.placement, facts);
}

Status check_reachable(const store::VmSpec& spec)
{
  if (store::has_user_network(spec.placement)) return ok();
  std::vector<std::string> all{spec.registry_mirror};
  for (const auto* list : {&spec.kms.urls, &spec.gateway_urls, &spec.insecure_registries})
    all.insert(all.end(), list->begin(), list->end());
  for (const std::string& url : all)
    if (as_seen_by_guest(url) != url)
      return fail(Errc::usage,
                  "{} is this machine's own address, which a VM reaches through a user network "
                  "alone\nadd --net user, or give an address in the VM's network",
                  url);
  return ok();
}

Status check_gpus_free(const store::VmSpec& spec, const std::vector<store::VmRecord>& vms)
{
  for (const store::VmRecord& other : vms) {
    if (other.spec.id == spec.id || !store::is_alive(other)) continue;
    for (const auto* lists : {&other.spec.placement.gpus, &other.spec.placement.nvswitches})
      for (const std::string& slot : *lists)
        for (const auto* mine : {&spec.placement.gpus, &spec.placement.nvswitches})
          if (std::find(mine->begin(), mine->end(), slot) != mine->end())
            return fail(Errc::not_found, "GPU {} belongs to the running VM {}", slot,
                        other.spec.name);
  }
  return ok();
}

void add_placement_options(Leaf& leaf, PlacementOptions& o)
{
  leaf.option("--net", o.networks, "NETWORK",
              "A network device: user, or bridge:DEVICE or tap:DEVICE of this host, with "
              ",ADDRESS/PREFIX[,GATEWAY[,DNS]] of the guest; once for each (default: user)")
      .group("Host");
  leaf.flag("--hugepages", o.hugepages,
            "Memory of huge pages, of the NUMA nodes the GPUs are on (default: node 0)")
      .group("Host");
  leaf.flag("--pin-numa", o.pin_numa,
            "Keep CPUs and memory on one NUMA node: the first GPU's, else node 0")
      .group("Host");
  leaf.option("--gpu", o.gpus, "SLOT|all",
              "Give a GPU of this host to the VM by its PCI slot, or all with their switches")
      .group("Host");
  leaf.size("--pci-hole64", o.pci_hole64_bytes,
            "64-bit address space for devices, for GPUs with much memory; measured")
      .group("Host");
  leaf.flag("--no-pci-hotplug", o.no_pci_hotplug,
            "Without ACPI hotplug of PCI bridges, as GPU hosts usually have it; measured")
      .group("Host");
}

} // namespace dstack::cli
