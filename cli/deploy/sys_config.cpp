#include "cli/deploy/sys_config.hpp"

#include "codec/json_list.hpp"
#include "osbuild/image_info.hpp"
#include "store/host_facts.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

std::string
vm_config(const store::VmSpec& spec, const osbuild::ImageInfo& image, const HostSays& host)
{
  const store::VmPlacement& placement = spec.placement;
  const std::size_t networks = store::networks_of(placement).size();
  Json out = Json::object();
  out.set("spec_version", 1)
      .set("os_image_hash", image.image_hash)
      .set("cpu_count", spec.cpus)
      .set("memory_size", spec.memory_bytes);
  if (!host.qemu_version.empty()) out.set("qemu_version", host.qemu_version);
  out.set("pci_hole64_size", placement.pci_hole64_bytes)
      .set("hugepages", placement.hugepages)
      .set("num_gpus", placement.gpus.size())
      .set("num_nvswitches", placement.nvswitches.size());
  if (networks != 1) out.set("num_nics", networks);
  out.set("hotplug_off", !placement.pci_hotplug)
      .set("host_share_mode", "vhd")
      .set("image", spec.image.name);
  if (!image.metadata.ovmf_variant.empty()) out.set("ovmf_variant", image.metadata.ovmf_variant);
  if (!host.mr_config.empty()) out.set("mr_config", host.mr_config);
  return codec::write_json(out);
}

/// Address, gateway and name server of one device; null for one that gets none.
Json network_json(const store::VmNetwork& network)
{
  Json out = Json::object();
  if (network.mode == vm::NetworkMode::user)
    return out.set("address", fmt::format("{}/24", vm::user_network_guest))
        .set("gateway", vm::user_network_gateway)
        .set("dns", vm::user_network_dns);
  if (network.address.empty()) return {};
  out.set("address", network.address);
  if (network.gateway.empty()) return out;
  return out.set("gateway", network.gateway)
      .set("dns", network.dns.empty() ? network.gateway : network.dns);
}

} // namespace

std::string mr_config_document(const store::VmSpec& spec, const compose::AppCompose& app)
{
  Json out = Json::object();
  out.set("app_id", spec.app.app_id)
      .set("compose_hash", spec.app.compose_hash)
      .set("key_provider", compose::name_of(app.key_provider));
  if (!app.key_provider_id.empty()) out.set("key_provider_id", hex(app.key_provider_id));
  return codec::write_json(out.set("version", 3));
}

HostSays host_says(const store::VmSpec& spec, const compose::AppCompose& app)
{
  HostSays out;
  if (spec.tee == store::Tee::sim) return out;
  if (const auto qemu = store::find_qemu()) out.qemu_version = qemu->version;
  if (spec.tee == store::Tee::snp) out.mr_config = mr_config_document(spec, app);
  return out;
}

std::string as_seen_by_guest(std::string url)
{
  // QEMU's user network shows the host's loopback to the guest under this address.
  for (const std::string_view name : {"127.0.0.1", "localhost", "[::1]"}) {
    const auto at = url.find(name);
    if (at == std::string::npos || (at > 0 && url[at - 1] != '/')) continue;
    const auto end = at + name.size();
    if (end == url.size() || url[end] == ':' || url[end] == '/')
      url.replace(at, name.size(), vm::user_network_gateway);
  }
  return url;
}

std::string
sys_config(const store::VmSpec& spec, const osbuild::ImageInfo& image, const HostSays& host)
{
  const auto networks = store::networks_of(spec.placement);
  Json own = Json::object();
  own.set("tee", store::name_of(spec.tee)).set("network", network_json(networks.front()));
  if (networks.size() > 1) {
    Json more = Json::array();
    for (std::size_t i = 1; i < networks.size(); ++i)
      more.push(network_json(networks[i]));
    own.set("more_networks", std::move(more));
  }
  own.set("bundle", !spec.bundle.empty())
      .set("hostname", spec.name)
      .set("insecure_registries", codec::list_of(spec.insecure_registries, as_seen_by_guest));
  Json out = Json::object();
  out.set("kms_urls", codec::list_of(spec.kms.urls, as_seen_by_guest))
      .set("gateway_urls", codec::list_of(spec.gateway_urls, as_seen_by_guest))
      .set("pccs_url", "")
      .set("docker_registry", as_seen_by_guest(spec.registry_mirror))
      .set("host_api_url", "")
      .set("vm_config", vm_config(spec, image, host))
      .set("dstack", own);
  if (!host.mr_config.empty()) out.set("mr_config", host.mr_config);
  return codec::write_json(out);
}

Status write_sys_config(const sys::fs::path& directory,
                        const store::VmSpec& spec,
                        const osbuild::ImageInfo& image,
                        const HostSays& host)
{
  return sys::write_file_atomic(directory / "share" / ".sys-config.json",
                                as_bytes(sys_config(spec, image, host)), sys::Privacy::owner_only);
}

void refresh_sys_config(const store::VmRecord& vm)
{
  if (vm.spec.kms.urls.empty() && vm.spec.tee == store::Tee::sim) return;
  const auto image = osbuild::describe_image(vm.spec.image.path);
  const auto text =
      sys::read_text(vm.paths().share() / "app-compose.json", compose::max_app_compose_bytes);
  if (!image || !text) return;
  const auto app = compose::parse_app_compose(*text);
  if (!app) return;
  static_cast<void>(
      write_sys_config(vm.directory, vm.spec, *image, host_says(vm.spec, *app)));
}

} // namespace dstack::cli
