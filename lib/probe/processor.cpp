// The processor: /proc/cpuinfo, AMD's CPUID leaf for encryption, Intel's model-specific registers.
#include "probe/probe.hpp"

#include "base/text.hpp"
#include "sys/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cpuid.h>
#include <fcntl.h>
#include <unistd.h>

namespace dstack::probe {

using codec::Json;

namespace {

constexpr std::size_t max_cpuinfo = std::size_t{64} << 20U;
/// Those that a check looks at.
constexpr std::string_view wanted_flags[] = {
    "vmx", "svm", "hypervisor", "tme", "tdx_host_platform", "sme", "sev", "sev_es", "sev_snp"};

// Intel SDM volume 4, and the TDX module's base specification.
constexpr off_t msr_tme_activate = 0x982;  ///< bit 1: memory is encrypted
constexpr off_t msr_keyid_partition = 0x87; ///< high half: number of TDX private key ids
constexpr off_t msr_seam_range = 0x1401;   ///< bit 11: the range of the TDX module is in force

// AMD64 Architecture Programmer's Manual, volume 3, CPUID 8000_001F.
constexpr unsigned leaf_encryption = 0x8000001f;
constexpr unsigned bit_snp = 4;

/// Value of "name : value" in the first block.
std::string field(std::string_view cpuinfo, std::string_view name)
{
  for (const std::string_view line : split(cpuinfo, '\n')) {
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == name)
      return std::string{trim(line.substr(colon + 1))};
  }
  return "";
}

std::uint64_t count_processors(std::string_view cpuinfo)
{
  std::uint64_t count = 0;
  for (const std::string_view line : split(cpuinfo, '\n'))
    count += line.starts_with("processor") ? 1U : 0U;
  return count;
}

void set_number(Json& json, std::string_view key, std::string_view text)
{
  if (const auto number = parse_u64(text)) json.set(key, *number);
}

Json flags_of(std::string_view cpuinfo)
{
  const std::string all = field(cpuinfo, "flags");
  const auto words = split(all, ' ');
  Json out = Json::array();
  for (const std::string_view flag : wanted_flags)
    if (std::find(words.begin(), words.end(), flag) != words.end()) out.push(flag);
  return out;
}

void add_encryption_leaf(Json& cpu)
{
  unsigned a = 0;
  unsigned b = 0;
  unsigned guests = 0;
  unsigned first_plain = 0;
  if (__get_cpuid_max(0x80000000, nullptr) < leaf_encryption) return;
  __cpuid_count(leaf_encryption, 0, a, b, guests, first_plain);
  cpu.set("snp", (a >> bit_snp & 1U) != 0).set("sev_guests", guests);
  cpu.set("min_sev_asid", first_plain);
}

Result<std::uint64_t> read_msr(const sys::Fd& device, off_t number)
{
  std::uint64_t value = 0; // the device hands it out in the processor's own order
  if (::pread(device.get(), &value, sizeof value, number) != sizeof value)
    return sys::errno_error(fmt::format("MSR {:#x}", number));
  return value;
}

Json registers(const Places& places)
{
  Json out;
  const auto path = places.root / "dev/cpu/0/msr";
  const sys::Fd device{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!device) return out.set("error", sys::errno_error("open " + path.string()).message());
  const auto tme = read_msr(device, msr_tme_activate);
  const auto keys = read_msr(device, msr_keyid_partition);
  const auto range = read_msr(device, msr_seam_range);
  for (const auto* value : {&tme, &keys, &range})
    if (!*value) out.set("error", value->error().message());
  if (tme) out.set("tme", (*tme >> 1U & 1U) != 0);
  if (keys) out.set("tdx_keys", *keys >> 32U);
  if (range) out.set("seam_range", (*range >> 11U & 1U) != 0);
  return out;
}

} // namespace

void add_processor(const Places& places, Json& facts)
{
  const auto read = sys::read_text(places.root / "proc/cpuinfo", max_cpuinfo);
  const std::string cpuinfo = read ? *read : "";
  Json cpu;
  cpu.set("vendor", field(cpuinfo, "vendor_id")).set("model", field(cpuinfo, "model name"));
  set_number(cpu, "family", field(cpuinfo, "cpu family"));
  set_number(cpu, "model_number", field(cpuinfo, "model"));
  cpu.set("count", count_processors(cpuinfo)).set("flags", flags_of(cpuinfo));
  const bool intel = cpu.find("vendor")->text() == "GenuineIntel";
  if (!intel) add_encryption_leaf(cpu);
  facts.set("cpu", std::move(cpu));
  if (intel) facts.set("msr", registers(places));
}

} // namespace dstack::probe
