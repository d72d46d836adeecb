#include "cli/deploy/sys_config.hpp"

#include "codec/json_list.hpp"
#include "osbuild/image_info.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::size_t max_sys_config = std::size_t{32} << 10U;

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
      .set("vm_config", vm_config_text(spec, image, host))
      .set("dstack", own);
  if (!host.mr_config.empty()) out.set("mr_config", host.mr_config);
  return codec::write_json(out);
}

Status write_sys_config(const sys::fs::path& directory,
                        const store::VmSpec& spec,
                        const osbuild::ImageInfo& image,
                        const HostSays& host)
{
  const std::string text = sys_config(spec, image, host);
  if (text.size() > max_sys_config)
    return fail(Errc::config, ".sys-config.json of {} bytes (guests take {}): too many URLs or "
                              "registries",
                text.size(), max_sys_config);
  return sys::write_file_atomic(directory / "share" / ".sys-config.json", as_bytes(text),
                                sys::Privacy::owner_only);
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
  const auto host = host_says(vm.spec, *app, *image);
  if (host) static_cast<void>(write_sys_config(vm.directory, vm.spec, *image, *host));
}

} // namespace dstack::cli
