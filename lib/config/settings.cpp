#include "config/settings.hpp"

#include <algorithm>

namespace dstack::config {

namespace {

constexpr Setting table[] = {
    {"image", Kind::text, "", "DSTACK_IMAGE",
     "OS image a VM boots; empty: the newest one there is"},
    {"qemu", Kind::path, "", "DSTACK_QEMU", "QEMU program; empty: qemu-system-x86_64 from PATH"},
    {"vm.cpus", Kind::count, "2", "DSTACK_VM_CPUS", "Virtual CPUs of a new VM"},
    {"vm.memory", Kind::size, "2G", "DSTACK_VM_MEMORY", "Memory of a new VM"},
    {"vm.disk", Kind::size, "20G", "DSTACK_VM_DISK", "Data disk of a new VM (grows as it is used)"},
    {"vm.tee", Kind::choice, "auto", "DSTACK_VM_TEE", "Hardware protection of a new VM",
     "auto,tdx,snp,sim"},
    {"vm.max_cpus", Kind::count, "512", "DSTACK_VM_MAX_CPUS",
     "Virtual CPUs that a VM may have at most on this host"},
    {"vm.max_memory", Kind::size, "16384G", "DSTACK_VM_MAX_MEMORY",
     "Memory that a VM may have at most on this host"},
    {"deploy.wait_timeout", Kind::duration, "10m", "DSTACK_DEPLOY_WAIT_TIMEOUT",
     "How long to wait for the app; then the VM goes on, exit status 8"},
    {"registry.mirror", Kind::url, "", "DSTACK_REGISTRY_MIRROR",
     "Registry asked first for images of Docker Hub"},
    {"registry.insecure", Kind::list, "", "DSTACK_REGISTRY_INSECURE",
     "Registries (host or host:port) that may be reached without TLS"},
    {"debian.mirror", Kind::url, "http://deb.debian.org", "DSTACK_DEBIAN_MIRROR",
     "Package archive the OS image is built from"},
    {"pccs.url", Kind::url, "https://api.trustedservices.intel.com", "DSTACK_PCCS_URL",
     "Intel's PCS, or a PCCS, that collateral for Intel quotes comes from"},
    {"pccs.timeout", Kind::duration, "30s", "DSTACK_PCCS_TIMEOUT",
     "How long fetching one set of collateral may take"},
    {"pccs.max_age", Kind::duration, "24h", "DSTACK_PCCS_MAX_AGE",
     "Age at which cached collateral is fetched anew"},
    {"kds.url", Kind::url, "https://kdsintf.amd.com", "DSTACK_KDS_URL",
     "AMD's key service, or a mirror, that certificates for AMD reports come from"},
    {"key_provider.address", Kind::text, "127.0.0.1:3443", "DSTACK_KEY_PROVIDER",
     "SGX key provider of this host, for TDX VMs whose key_provider is local"},
};

} // namespace

std::span<const Setting> settings()
{
  return table;
}

const Setting* find_setting(std::string_view key)
{
  const auto* at = std::find_if(std::begin(table), std::end(table),
                                [&](const Setting& setting) { return setting.key == key; });
  return at == std::end(table) ? nullptr : at;
}

std::string_view describe(Kind kind)
{
  switch (kind) {
  case Kind::text:
    return "a line of text";
  case Kind::path:
    return "a file name";
  case Kind::url:
    return "an http:// or https:// address";
  case Kind::count:
    return "a whole number from 1 on";
  case Kind::size:
    return "a size such as 512M or 2G";
  case Kind::duration:
    return "a time such as 90s or 5m";
  case Kind::choice:
    return "one of a few words";
  case Kind::list:
    return "a list of words";
  }
  return "";
}

} // namespace dstack::config
