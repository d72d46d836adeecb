// Devices and what drivers say about themselves: KVM, SEV, SGX, vsock, the quote service.
#include "probe/probe.hpp"

#include "base/text.hpp"
#include "sys/fd.hpp"
#include "sys/sockets.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

namespace dstack::probe {

using codec::Json;

namespace {

// Linux Documentation/virt/kvm/api.rst: KVM_CAP_VM_TYPES answers a bitmap of VM types.
constexpr unsigned long capability_vm_types = 235;
constexpr std::uint32_t this_machine = 1; // VMADDR_CID_LOCAL of vsock(7)

struct Opened {
  sys::Fd fd{};
  std::string error{};
};

Opened open_device(const Places& places, std::string_view path)
{
  const auto whole = places.root / path;
  Opened out;
  out.fd = sys::Fd{::open(whole.c_str(), O_RDWR | O_CLOEXEC)};
  if (!out.fd) out.error = sys::errno_error("open " + whole.string()).message();
  return out;
}

Json opening(const Opened& device)
{
  Json out;
  out.set("opens", static_cast<bool>(device.fd));
  if (!device.fd) out.set("error", device.error);
  return out;
}

Json kvm(const Places& places)
{
  const Opened device = open_device(places, "dev/kvm");
  Json out = opening(device);
  if (!device.fd) return out;
  const int types = ::ioctl(device.fd.get(), KVM_CHECK_EXTENSION, capability_vm_types);
  if (types >= 0) out.set("vm_types", static_cast<unsigned>(types));
  return out;
}

bool exists(const Places& places, std::string_view path)
{
  std::error_code ignored;
  return sys::fs::exists(places.root / path, ignored);
}

Json driver(const Places& places, const std::string& name, const std::string& parameter)
{
  const std::string directory = "sys/module/" + name;
  Json out;
  out.set("loaded", exists(places, directory));
  const std::string value = text_at(places, fmt::format("{}/parameters/{}", directory, parameter));
  // "Y" and "N", or as older kernels write them "1" and "0".
  if (!value.empty()) out.set(parameter, value == "1" ? "Y" : value == "0" ? "N" : value);
  return out;
}

/// "tdx 31" of misc.capacity (Documentation/admin-guide/cgroup-v2.rst, Misc).
Json misc_capacity(const Places& places)
{
  Json out = Json::object();
  const std::string text = text_at(places, "sys/fs/cgroup/misc.capacity");
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(trim(line), ' ');
    if (words.size() != 2 || words[0].empty()) continue;
    if (const auto count = parse_u64(words[1])) out.set(words[0], *count);
  }
  return out;
}

/// sysfs-devices-faux-tdx-host of newer kernels, /sys/firmware/tdx of Intel's older ones.
Json tdx_module(const Places& places)
{
  Json out = Json::object();
  const std::string version = text_at(places, "sys/devices/faux/tdx_host/version");
  const std::string status = text_at(places, "sys/firmware/tdx/tdx_module/status");
  if (!version.empty()) out.set("version", version);
  if (!status.empty()) out.set("status", status);
  return out;
}

} // namespace

void add_kernel(const Places& places, Json& facts)
{
  utsname name{};
  Json kernel = Json::object();
  if (::uname(&name) == 0) kernel.set("release", name.release);
  const std::string sleep = text_at(places, "sys/power/disk");
  if (!sleep.empty()) kernel.set("hibernation", sleep);
  facts.set("kernel", std::move(kernel));
  facts.set("kvm_intel", driver(places, "kvm_intel", "tdx"));
  facts.set("kvm_amd", driver(places, "kvm_amd", "sev_snp"));
  facts.set("tdx_module", tdx_module(places)).set("misc_cgroup", misc_capacity(places));
}

void add_devices(const Places& places, Json& facts)
{
  facts.set("kvm", kvm(places)).set("sev", opening(open_device(places, "dev/sev")));
  facts.set("vsock", opening(open_device(places, "dev/vhost-vsock")));
  Json sgx;
  sgx.set("enclave", exists(places, "dev/sgx_enclave"));
  facts.set("sgx", sgx.set("provision", exists(places, "dev/sgx_provision")));
}

void add_quote_service(Json& facts)
{
  Json out;
  out.set("port", quote_service_port);
  const auto connected = sys::connect_vsock(this_machine, quote_service_port);
  out.set("answers", static_cast<bool>(connected));
  if (!connected) out.set("error", connected.error().message());
  facts.set("quote_service", std::move(out));
}

} // namespace dstack::probe
