// GPUs, the IOMMU in front of them, network bridges.
#include "probe/probe.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::probe {

using codec::Json;

namespace {

constexpr std::string_view devices_directory = "sys/bus/pci/devices";
constexpr std::string_view nvidia = "0x10de";
// PCI Code and ID Assignment Specification: base class and subclass.
constexpr std::string_view class_vga = "0x0300";
constexpr std::string_view class_3d = "0x0302";
constexpr std::string_view class_bridge = "0x0680"; ///< how NVSwitches show themselves

std::vector<sys::fs::path> entries(const sys::fs::path& directory)
{
  std::vector<sys::fs::path> out;
  std::error_code ignored;
  for (const auto& entry : sys::fs::directory_iterator{directory, ignored})
    out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

std::string link_name(const sys::fs::path& link)
{
  std::error_code error;
  const auto target = sys::fs::read_symlink(link, error);
  return error ? "" : target.filename().string();
}

/// "0x10de" -> "10de"
std::string digits(std::string_view id)
{
  return std::string{id.starts_with("0x") ? id.substr(2) : id};
}

std::uint64_t node_of(const Places& places, const std::string& device)
{
  const auto node = parse_u64(text_at(places, device + "/numa_node")); // -1: none
  return node ? *node : 0;
}

} // namespace

std::vector<host::Gpu> list_gpus(const Places& places)
{
  std::vector<host::Gpu> out;
  for (const auto& path : entries(places.root / devices_directory)) {
    const std::string slot = path.filename().string();
    const std::string device = fmt::format("{}/{}", devices_directory, slot);
    const std::string kind = text_at(places, device + "/class").substr(0, class_vga.size());
    const std::string vendor = text_at(places, device + "/vendor");
    if (vendor != nvidia || (kind != class_vga && kind != class_3d && kind != class_bridge))
      continue;
    host::Gpu gpu;
    gpu.slot = slot;
    gpu.device =
        fmt::format("{}:{}", digits(vendor), digits(text_at(places, device + "/device")));
    gpu.is_switch = kind == class_bridge;
    gpu.driver = link_name(path / "driver");
    gpu.iommu_group = link_name(path / "iommu_group");
    gpu.numa_node = node_of(places, device);
    out.push_back(std::move(gpu));
  }
  return out;
}

Result<std::uint64_t> pci_node(const Places& places, const std::string& slot)
{
  const std::string device = fmt::format("{}/{}", devices_directory, slot);
  std::error_code ignored;
  if (!sys::fs::exists(places.root / device, ignored))
    return fail(Errc::not_found, "there is no PCI device {}", slot);
  return node_of(places, device);
}

void add_pci(const Places& places, Json& facts)
{
  Json gpus = Json::array();
  for (const host::Gpu& gpu : list_gpus(places))
    gpus.push(to_json(gpu));
  facts.set("gpus", std::move(gpus));
  Json iommu;
  iommu.set("groups", entries(places.root / "sys/kernel/iommu_groups").size());
  std::error_code ignored;
  iommu.set("iommufd", sys::fs::exists(places.root / "dev/iommu", ignored));
  facts.set("iommu", std::move(iommu));
  Json bridges = Json::array();
  for (const auto& device : entries(places.root / "sys/class/net"))
    if (sys::fs::exists(device / "bridge", ignored)) bridges.push(device.filename().string());
  facts.set("bridges", std::move(bridges));
}

} // namespace dstack::probe
