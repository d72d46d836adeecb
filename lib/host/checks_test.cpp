#include "host/checks.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <functional>
#include <sstream>

namespace dstack::host {

namespace {

using codec::Json;

Json recorded(const std::string& name)
{
  std::ifstream file{DSTACK_SOURCE_DIR "/tests/vectors/host/" + name + ".json"};
  std::ostringstream text;
  text << file.rdbuf();
  auto document = codec::parse_json(text.str());
  REQUIRE(document);
  return *std::move(document);
}

/// The document with the member at that path set.
Json with(Json document, std::string_view path, Json value)
{
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) return document.set(path, std::move(value));
  const std::string_view group = path.substr(0, dot);
  Json inner = *document.find(group);
  return document.set(group, inner.set(path.substr(dot + 1), std::move(value)));
}

Json without(Json document, std::string_view path)
{
  const auto dot = path.find('.');
  const std::string_view group = path.substr(0, dot);
  Json inner = *document.find(group);
  std::erase_if(inner.members(),
                [&](const auto& member) { return member.first == path.substr(dot + 1); });
  return document.set(group, std::move(inner));
}

std::vector<Check> checks_of(Json document, Platform platform)
{
  auto facts = Facts::from_json(std::move(document));
  INFO((facts ? "" : facts.error().message()));
  REQUIRE(facts);
  return judge(*facts, platform);
}

/// "FAIL processor: seen -> remedy" of everything that is not good.
std::vector<std::string> complaints(const std::vector<Check>& checks)
{
  std::vector<std::string> out;
  for (const Check& check : checks)
    if (check.severity != Severity::good)
      out.push_back(fmt::format("{} {}: {} -> {}",
                                check.severity == Severity::problem ? "FAIL" : "note", check.name,
                                check.evidence, check.remedy));
  return out;
}

Json flags(std::initializer_list<const char*> words)
{
  Json out = Json::array();
  for (const char* word : words)
    out.push(word);
  return out;
}

/// One thing that is not as it must be, and all that doctor says then.
struct Case {
  const char* name;
  std::function<Json(Json)> change;
  std::vector<std::string> says; ///< beginning of each complaint, in order
  std::string remedy;            ///< part of the first one's remedy
};

void check_cases(const std::string& ready, Platform platform, const std::vector<Case>& cases)
{
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const auto said = complaints(checks_of(one.change(recorded(ready)), platform));
    CAPTURE(join(said, "\n"));
    REQUIRE(said.size() == one.says.size());
    for (std::size_t i = 0; i < said.size(); ++i) {
      CAPTURE(one.says[i]);
      CHECK(said[i].starts_with(one.says[i]));
    }
    CHECK(said.front().find(one.remedy, said.front().find(" -> ")) != std::string::npos);
  }
}

/// A change of one member.
std::function<Json(Json)> set(const char* path, Json value)
{
  return [path, value](Json document) { return with(std::move(document), path, value); };
}

std::function<Json(Json)> gone(const char* path)
{
  return [path](Json document) { return without(std::move(document), path); };
}

std::function<Json(Json)> both(std::function<Json(Json)> a, std::function<Json(Json)> b)
{
  return [a, b](Json document) { return b(a(std::move(document))); };
}

/// One GPU with that driver, nothing else on the bus.
std::function<Json(Json)> with_gpu(const char* driver)
{
  const Gpu gpu{"0000:18:00.0", "10de:2335", false, driver, "36", 1};
  Json all = Json::array();
  all.push(to_json(gpu));
  return [all](Json document) { return with(std::move(document), "gpus", all); };
}

const std::vector<Case> common_cases{
    {"virtualisation off", set("cpu.flags", flags({"tdx_host_platform", "sev_snp"})),
     {"FAIL kvm: the processor shows neither vmx nor svm"}, "VT-x or SVM"},
    {"not in the group kvm",
     both(set("kvm.opens", false), set("kvm.error", "open /dev/kvm: Permission denied")),
     {"FAIL kvm: open /dev/kvm: Permission denied"}, "group kvm"},
    {"no vsock for guests",
     both(set("vsock.opens", false), set("vsock.error", "open /dev/vhost-vsock: No such file")),
     {"note vsock: open /dev/vhost-vsock"}, "not needed"},
    {"little memory", set("memory.available_bytes", std::uint64_t{1} << 30U),
     {"note memory: 1G available of"}, "--memory"},
    {"no NUMA information", set("numa", Json::array()),
     {"note numa: the kernel shows no", "note hugepages: no free huge page"}, "not possible"},
    {"a narrow control group", set("limits.cgroup_memory_bytes", std::uint64_t{1} << 30U),
     {"note limits: locked memory: no limit, open files: 1048576, memory of this control group: 1G"},
     "outside that control group"},
    {"no IOMMU", set("iommu.groups", 0), {"note iommu: no IOMMU groups"}, "intel_iommu=on"},
    {"no iommufd", set("iommu.iommufd", false), {"note iommu:"}, "modprobe iommufd"},
    {"no swtpm", gone("swtpm.path"), {"note swtpm: not installed"}, "optional"},
};

} // namespace

TEST_SUITE("host::judge")
{
  TEST_CASE("a ready host has nothing to complain of")
  {
    for (const auto& [name, platform] :
         {std::pair{"tdx-ready", Platform::tdx}, std::pair{"snp-ready", Platform::snp}}) {
      CAPTURE(name);
      const auto checks = checks_of(recorded(name), platform);
      CHECK(complaints(checks) == std::vector<std::string>{});
      CHECK(checks.size() == 19);
      for (const Check& check : checks) {
        CAPTURE(check.name);
        CHECK_FALSE(check.evidence.empty());
        CHECK(check.remedy.empty());
      }
    }
  }

  TEST_CASE("each missing piece of a TDX host is named, with its remedy, and nothing else is")
  {
    check_cases(
        "tdx-ready", Platform::tdx,
        {{"AMD processor", set("cpu.vendor", "AuthenticAMD"),
          {"FAIL processor: INTEL(R) XEON(R) PLATINUM 8568Y+ (family 6, model 207) is not by Intel"},
          "Intel Xeon"},
         {"a processor before TDX",
          both(both(set("cpu.model_number", 106), set("cpu.flags", flags({"vmx", "tme"}))),
               set("msr.seam_range", false)),
          {"FAIL processor:", "FAIL firmware: no memory is set aside for the TDX module"},
          "5th generation"},
         {"inside a VM",
          both(set("cpu.flags", flags({"vmx", "hypervisor"})), set("msr", Json::object())),
          {"FAIL processor:", "FAIL firmware: no tdx_host_platform in /proc/cpuinfo"},
          "machine itself"},
         {"memory encryption off",
          both(set("cpu.flags", flags({"vmx"})),
               both(set("msr.tme", false), set("msr.seam_range", false))),
          {"FAIL firmware: memory encryption is off (MSR 0x982, bit 1)"}, "TME"},
         {"no TDX key split", both(set("cpu.flags", flags({"vmx", "tme"})), set("msr.tdx_keys", 0)),
          {"FAIL firmware: no key ids are set aside for TDX"}, "key split above 0"},
         {"TDX off in the firmware",
          both(set("cpu.flags", flags({"vmx", "tme"})), set("msr.seam_range", false)),
          {"FAIL firmware: no memory is set aside for the TDX module"}, "SEAM loader"},
         {"firmware not readable",
          both(set("cpu.flags", flags({"vmx"})),
               set("msr", Json::object().set("error", "open /dev/cpu/0/msr: Permission denied"))),
          {"FAIL firmware: no tdx_host_platform in /proc/cpuinfo; MSRs: open /dev/cpu/0/msr"},
          "modprobe msr"},
         {"old kernel",
          both(gone("kvm_intel.tdx"), both(set("kernel.release", "6.8.0-45-generic"),
                                           set("kvm.vm_types", 1))),
          {"FAIL kernel: Linux 6.8.0-45-generic: kvm_intel has no parameter 'tdx'",
           "FAIL kvm_intel.tdx: kvm_intel has no such parameter",
           "FAIL tdx module: KVM offers VM types 0x1, without bit 5"},
          "Linux 6.16 or later"},
         {"kvm_intel not loaded",
          both(both(gone("kvm_intel.tdx"), set("kvm_intel.loaded", false)),
               both(set("kvm.opens", false), gone("kvm.vm_types"))),
          {"FAIL kernel: Linux 6.17.0-5-generic, kvm_intel is not loaded", "FAIL kvm: not found out",
           "FAIL kvm_intel.tdx:", "FAIL tdx module: KVM was not asked"},
          "modprobe kvm_intel tdx=1"},
         {"TDX off in kvm_intel",
          both(both(set("kvm_intel.tdx", "N"), set("kvm.vm_types", 1)),
               set("kernel.hibernation", "[platform] shutdown")),
          {"FAIL kvm_intel.tdx: /sys/module/kvm_intel/parameters/tdx is N, and hibernation is on",
           "FAIL tdx module: KVM offers VM types 0x1"},
          "kvm_intel.tdx=1 nohibernate"},
         {"the TDX module is not loaded",
          both(set("kvm.vm_types", 1), set("tdx_module.status", "unloaded")),
          {"FAIL tdx module: KVM offers VM types 0x1, without bit 5 (TDX); the module is 'unloaded'"},
          "dmesg"},
         {"no keys left", both(set("misc_cgroup.tdx", 0), set("msr.tdx_keys", 1)),
          {"FAIL keys: no private key id is left"}, "key split above 1"},
         {"keys not visible", both(set("misc_cgroup", Json::object()), gone("msr.tdx_keys")),
          {"note keys: how many TDX VMs fit is not visible"}, "modprobe msr"},
         {"SGX off", both(set("sgx.enclave", false), set("sgx.provision", false)),
          {"FAIL sgx: /dev/sgx_enclave and /dev/sgx_provision are missing"}, "SGX on"},
         {"no right to provision", set("sgx.provision", false),
          {"FAIL sgx: /dev/sgx_provision is missing"}, "SGX on"},
         {"no QEMU", set("qemu", Json::object().set("error", "qemu-system-x86_64 is not installed")),
          {"FAIL qemu: qemu-system-x86_64 is not installed"}, "apt-get install"},
         {"QEMU without TDX",
          both(set("qemu.version", "8.2.2"), set("qemu.objects", flags({"memory-backend-file"}))),
          {"FAIL qemu: /usr/bin/qemu-system-x86_64 (version 8.2.2) does not know the object "
           "tdx-guest"},
          "QEMU 10.1 or later"},
         {"nobody signs quotes",
          both(set("quote_service.answers", false),
               set("quote_service.error", "connect to vsock 1:4050: Connection reset by peer")),
          {"FAIL quote service: vsock port 4050: connect to vsock 1:4050: Connection reset"},
          "qgsd"},
         {"PCCS is down",
          both(set("pccs.answers", false), set("pccs.error", "connection refused")),
          {"FAIL pccs: https://127.0.0.1:8081: connection refused"}, "pccs.url"},
         {"PCCS was not asked", gone("pccs.answers"), {"note pccs: not asked"}, "--offline"},
         {"a GPU is with another driver", with_gpu("nvidia"),
          {"note gpus: 0000:18:00.0 (10de:2335, node 1, nvidia)"}, "driverctl set-override 0000:18"},
         {"GPUs, but little memory may be locked", set("limits.memlock_bytes", 8388608),
          {"note limits: locked memory: 8M"}, "ulimit -l unlimited"}});
    check_cases("tdx-ready", Platform::tdx, common_cases);
  }

  TEST_CASE("each missing piece of an SEV-SNP host is named, with its remedy, and nothing else is")
  {
    check_cases(
        "snp-ready", Platform::snp,
        {{"Intel processor", set("cpu.vendor", "GenuineIntel"),
          {"FAIL processor: AMD EPYC 9654 96-Core Processor (family 25, model 17) is not by AMD"},
          "EPYC 7003"},
         {"a processor before SNP", both(set("cpu.family", 23), set("cpu.snp", false)),
          {"FAIL processor:"}, "EPYC 7003"},
         {"inside a VM",
          both(set("cpu.flags", flags({"svm", "hypervisor"})), set("cpu.snp", false)),
          {"FAIL processor:", "FAIL firmware: no sev_snp in /proc/cpuinfo"}, "machine itself"},
         {"off in the firmware", set("cpu.flags", flags({"svm", "sev", "sev_es"})),
          {"FAIL firmware: no sev_snp in /proc/cpuinfo"}, "RMP table"},
         {"old kernel",
          both(gone("kvm_amd.sev_snp"), both(set("kernel.release", "6.1.0-32-amd64"),
                                             set("kvm.vm_types", 1))),
          {"FAIL kernel: Linux 6.1.0-32-amd64: kvm_amd has no parameter 'sev_snp'",
           "FAIL kvm_amd.sev_snp:", "FAIL vm type: KVM offers VM types 0x1, without bit 4"},
          "Linux 6.11 or later"},
         {"kvm_amd not loaded",
          both(both(gone("kvm_amd.sev_snp"), set("kvm_amd.loaded", false)),
               both(set("kvm.opens", false), gone("kvm.vm_types"))),
          {"FAIL kernel: Linux 6.11.0-19-generic, kvm_amd is not loaded", "FAIL kvm:",
           "FAIL kvm_amd.sev_snp:", "FAIL vm type: KVM was not asked"},
          "modprobe kvm_amd"},
         {"SNP off in kvm_amd", both(set("kvm_amd.sev_snp", "N"), set("kvm.vm_types", 13)),
          {"FAIL kvm_amd.sev_snp: /sys/module/kvm_amd/parameters/sev_snp is N",
           "FAIL vm type: KVM offers VM types 0xd"},
          "kvm_amd.sev_snp=1"},
         {"/dev/sev may not be opened",
          both(set("sev.opens", false), set("sev.error", "open /dev/sev: Permission denied")),
          {"FAIL sev device: open /dev/sev: Permission denied"}, "group kvm"},
         {"no ids for SNP", both(set("misc_cgroup.sev_es", 0), set("cpu.min_sev_asid", 1)),
          {"FAIL keys: no address space id"}, "minimum SEV non-ES ASID"},
         {"ids not visible", both(gone("misc_cgroup.sev_es"), gone("cpu.min_sev_asid")),
          {"note keys: how many"}, "CPUID"},
         {"QEMU without SNP",
          both(set("qemu.version", "8.2.2"), set("qemu.objects", Json::array())),
          {"FAIL qemu: /usr/bin/qemu-system-x86_64 (version 8.2.2) does not know"}, "QEMU 9.1"},
         {"QEMU does not tell the encryption bit",
          both(gone("qemu.c_bit_position"), set("qemu.sev_error", "SEV is not enabled in KVM")),
          {"FAIL encryption bit: QEMU does not tell its position: SEV is not enabled in KVM"},
          "checks above"},
         {"AMD's key service cannot be reached",
          both(set("kds.answers", false), set("kds.error", "timed out")),
          {"FAIL kds: https://kdsintf.amd.com: timed out"}, "kds.url"},
         {"a GPU is with another driver", with_gpu(""),
          {"note gpus: 0000:18:00.0 (10de:2335, node 1, no driver)"}, "driverctl"}});
    check_cases("snp-ready", Platform::snp, common_cases);
  }

  TEST_CASE("a machine without a TEE is good for simulated VMs, and told what TDX lacks")
  {
    const Json here = recorded("vm-without-tee");
    for (const Check& check : checks_of(here, Platform::sim)) {
      CAPTURE(check.name);
      CHECK(check.severity != Severity::problem);
    }
    std::vector<std::string> failed;
    for (const Check& check : checks_of(here, Platform::tdx))
      if (check.severity == Severity::problem) failed.push_back(check.name);
    CHECK(join(failed, " ") ==
          "processor firmware kernel kvm kvm_intel.tdx tdx module sgx qemu quote service");
    const auto without_qemu = complaints(checks_of(
        with(here, "qemu", Json::object().set("error", "not installed")), Platform::sim));
    CHECK(without_qemu.front().starts_with("FAIL qemu: not installed"));
  }

  TEST_CASE("what a deploy takes is TDX where KVM offers it; SEV-SNP has to be asked for")
  {
    CHECK(usual_platform(*Facts::from_json(recorded("tdx-ready"))) == Platform::tdx);
    CHECK(usual_platform(*Facts::from_json(recorded("snp-ready"))) == Platform::sim);
    CHECK(usual_platform(*Facts::from_json(recorded("vm-without-tee"))) == Platform::sim);
    for (const Platform platform : {Platform::sim, Platform::tdx, Platform::snp})
      CHECK(*parse_platform(name_of(platform)) == platform);
    CHECK_FALSE(parse_platform("auto"));
  }

  TEST_CASE("a document with nothing in it gives every check and no good news about the TEE")
  {
    const Json empty = Json::object().set("schema", facts_schema);
    for (const Platform platform : {Platform::tdx, Platform::snp}) {
      const auto checks = checks_of(empty, platform);
      CHECK(checks.size() == 19);
      const auto good = std::count_if(checks.begin(), checks.end(), [](const Check& check) {
        return check.severity == Severity::good;
      });
      CHECK(good == 1); // no GPUs
    }
  }

  TEST_CASE("members of the wrong kind are refused by name")
  {
    const auto refusal = [](const Json& document) {
      const auto facts = Facts::from_json(document);
      return facts ? std::string{"accepted"} : facts.error().message();
    };
    const Json ready = recorded("tdx-ready");
    CHECK(refusal(ready) == "accepted");
    CHECK(refusal(with(ready, "kvm.opens", "yes")) == "kvm.opens: want true or false");
    CHECK(refusal(with(ready, "kvm.vm_types", -1)) == "kvm.vm_types: want a whole number");
    CHECK(refusal(with(ready, "cpu.vendor", 3)) == "cpu.vendor: want text");
    CHECK(refusal(with(ready, "qemu.objects", "tdx")) == "qemu.objects: want a list of texts");
    CHECK(refusal(with(ready, "kvm", 3)) == "kvm: want an object");
    CHECK(refusal(with(ready, "numa", Json::array())) == "accepted");
    Json node = Json::array();
    node.push(Json::object().set("node", 0));
    CHECK(refusal(with(ready, "numa", node)).find("cpus") != std::string::npos);
    CHECK(refusal(Json::object()).find("schema") != std::string::npos);
    CHECK(refusal(with(ready, "schema", "other/1")).find("want dstack.host-facts/1") !=
          std::string::npos);
    CHECK_FALSE(Facts::parse("{"));
  }
}

} // namespace dstack::host
