#include "store/vm_placement.hpp"

#include "base/address.hpp"
#include "base/text.hpp"
#include "codec/json_list.hpp"

#include <algorithm>

namespace dstack::store {

using codec::Json;

namespace {

constexpr std::size_t max_networks = 8;
constexpr std::size_t max_devices = 64;
constexpr std::uint64_t max_hole = std::uint64_t{1} << 46U;

Json network_json(const VmNetwork& network)
{
  Json out;
  out.set("mode", vm::name_of(network.mode));
  if (!network.host_device.empty()) out.set("device", network.host_device);
  if (!network.address.empty()) out.set("address", network.address);
  if (!network.gateway.empty()) out.set("gateway", network.gateway);
  if (!network.dns.empty()) out.set("dns", network.dns);
  return out;
}

Result<std::string> get_ipv4(const Json& json, std::string_view key)
{
  std::string text = TRY(json.get_string(key, ""));
  if (!text.empty() && !is_ipv4_address(text))
    return fail(Errc::malformed, "{}: '{}' is no IPv4 address", key, printable(text));
  return text;
}

Result<VmNetwork> network_from_json(const Json& json)
{
  VmNetwork out;
  out.mode = TRY(vm::parse_network_mode(TRY(json.need_string("mode"))).within("mode"));
  out.host_device = TRY(json.get_string("device", ""));
  const bool user = out.mode == vm::NetworkMode::user;
  if (user ? !out.host_device.empty() : !vm::is_interface_name(out.host_device))
    return fail(Errc::malformed, "device: '{}'", printable(out.host_device));
  out.address = TRY(json.get_string("address", ""));
  if (!out.address.empty() && !is_ipv4_with_prefix(out.address))
    return fail(Errc::malformed, "address: '{}' (want 192.168.7.2/24)", printable(out.address));
  out.gateway = TRY(get_ipv4(json, "gateway"));
  out.dns = TRY(get_ipv4(json, "dns"));
  return out;
}

Result<std::vector<std::string>> slots_from_json(const Json& json, std::string_view key)
{
  std::vector<std::string> out = TRY(json.get_strings(key));
  if (out.size() > max_devices) return fail(Errc::malformed, "{}: {} devices", key, out.size());
  for (const std::string& slot : out)
    if (!vm::is_pci_slot(slot))
      return fail(Errc::malformed, "{}: '{}' is no PCI slot", key, printable(slot));
  return out;
}

} // namespace

std::vector<VmNetwork> networks_of(const VmPlacement& placement)
{
  return placement.networks.empty() ? std::vector<VmNetwork>{VmNetwork{}} : placement.networks;
}

bool has_user_network(const VmPlacement& placement)
{
  const auto all = networks_of(placement);
  return std::any_of(all.begin(), all.end(),
                     [](const VmNetwork& one) { return one.mode == vm::NetworkMode::user; });
}

Json to_json(const VmPlacement& placement)
{
  Json out = Json::object();
  if (!placement.networks.empty())
    out.set("networks", codec::list_of(placement.networks, network_json));
  if (placement.hugepages) out.set("hugepages", true);
  if (placement.pin_numa) out.set("pin_numa", true);
  if (!placement.gpus.empty()) out.set("gpus", codec::list_of(placement.gpus));
  if (!placement.nvswitches.empty()) out.set("nvswitches", codec::list_of(placement.nvswitches));
  if (placement.pci_hole64_bytes > 0) out.set("pci_hole64_bytes", placement.pci_hole64_bytes);
  if (!placement.pci_hotplug) out.set("pci_hotplug", false);
  return out;
}

Result<VmPlacement> placement_from_json(const Json& json)
{
  VmPlacement out;
  if (const Json* networks = json.find("networks"); networks != nullptr) {
    const codec::JsonArray& items = TRY(json.need_array("networks"))->items();
    if (items.size() > max_networks)
      return fail(Errc::malformed, "networks: {} (at most {})", items.size(), max_networks);
    for (const Json& item : items)
      out.networks.push_back(TRY(network_from_json(item).within("networks")));
  }
  out.hugepages = TRY(json.get_bool("hugepages", false));
  out.pin_numa = TRY(json.get_bool("pin_numa", false));
  out.gpus = TRY(slots_from_json(json, "gpus"));
  out.nvswitches = TRY(slots_from_json(json, "nvswitches"));
  out.pci_hole64_bytes = TRY(json.get_u64("pci_hole64_bytes", 0));
  if (out.pci_hole64_bytes > max_hole)
    return fail(Errc::malformed, "pci_hole64_bytes: {}", out.pci_hole64_bytes);
  out.pci_hotplug = TRY(json.get_bool("pci_hotplug", true));
  return out;
}

bool is_ipv4_with_prefix(std::string_view text)
{
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || !is_ipv4_address(text.substr(0, slash))) return false;
  const auto prefix = parse_u64(text.substr(slash + 1));
  constexpr std::uint64_t longest = 32;
  return prefix && *prefix >= 1 && *prefix <= longest;
}

} // namespace dstack::store
