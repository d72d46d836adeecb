#pragma once
/// Looks at this machine: the facts that lib/host judges.

#include "host/facts.hpp"
#include "sys/files.hpp"

namespace dstack::probe {

struct Places {
  sys::fs::path root = "/"; ///< /proc, /sys and /dev are looked for below it
};

/// vsock port of Intel's quote generation service (its qgs.conf and spec host 1.2, cvm.qgs_port).
inline constexpr std::uint32_t quote_service_port = 4050;

/// Everything that is found out without asking a service. Runs QEMU twice (its version, its objects), and
/// once more where KVM offers SEV-SNP. What cannot be read is left out, with its reason where a
/// check tells it.
codec::Json gather(const Places& places);

/// The parts, each the value of one or more members of the document.
void add_processor(const Places& places, codec::Json& facts);
void add_kernel(const Places& places, codec::Json& facts);
void add_devices(const Places& places, codec::Json& facts);
void add_memory(const Places& places, codec::Json& facts);
void add_pci(const Places& places, codec::Json& facts);
void add_programs(codec::Json& facts);
/// Whether somebody takes connections where quotes are to be made; where nobody does it may take
/// two seconds to know. Whether quotes come of it only a TDX VM can tell.
void add_quote_service(codec::Json& facts);

/// A small text file below root, trimmed; "" when it cannot be read.
std::string text_at(const Places& places, std::string_view path);

/// "0-3,8" of a NUMA node; Errc::not_found when there is no such node.
Result<std::string> node_cpus(const Places& places, std::uint64_t node);
/// NUMA node of a PCI device, 0 where the kernel knows none; Errc::not_found without the device.
Result<std::uint64_t> pci_node(const Places& places, const std::string& slot);
/// Every graphics processor and switch of NVIDIA's on the PCI bus.
std::vector<host::Gpu> list_gpus(const Places& places);

/// What QEMU says about encrypting guests on this host, asked over QMP.
struct SevCapabilities {
  std::uint32_t c_bit_position = 0;
  std::uint32_t reduced_phys_bits = 0;
};
Result<SevCapabilities> ask_sev_capabilities(const std::string& qemu);
/// From QMP's answers to qmp_capabilities and query-sev-capabilities, one a line; pure.
Result<SevCapabilities> parse_sev_capabilities(std::string_view answers);
/// Names QEMU lists as "-object help"; pure.
std::vector<std::string> parse_object_names(std::string_view help);

} // namespace dstack::probe
