#pragma once
/// The QEMU command line of a VM as a pure function of what was decided about it.

#include "base/bytes.hpp"

#include <optional>

namespace dstack::vm {

enum class Protocol { tcp, udp };
std::string_view name_of(Protocol protocol);
Result<Protocol> parse_protocol(std::string_view name);

/// One port of the guest reachable on the host. host_address is numeric ("127.0.0.1").
struct PortForward {
  Protocol protocol = Protocol::tcp;
  std::string host_address{};
  std::uint16_t host_port = 0;
  std::uint16_t vm_port = 0;
  bool operator==(const PortForward&) const = default;
};

enum class Accelerator { tcg, kvm };
enum class Confidential { none, tdx, snp };
enum class ChannelKind { serial_port, vsock };

/// QEMU's user network as the guest sees it; forwards go to the first address it hands out
/// (spec host 1.2, cvm.networking).
inline constexpr std::string_view user_network = "10.0.2.0/24";
inline constexpr std::string_view user_network_guest = "10.0.2.10";
inline constexpr std::string_view user_network_gateway = "10.0.2.2";
inline constexpr std::string_view user_network_dns = "10.0.2.3";

/// Name of the virtio-serial port the guest agent opens.
inline constexpr std::string_view channel_port_name = "dstack.host";
/// virtio serial number of the disk that carries container images.
inline constexpr std::string_view bundle_disk_serial = "dstack-images";

struct TdxSpec {
  Bytes mr_config_id{};                      ///< empty or exactly 48 bytes
  std::optional<std::uint32_t> quote_port{}; ///< vsock port of the quote generation service
};

struct SnpSpec {
  Bytes host_data{};                   ///< exactly 32 bytes
  std::uint32_t c_bit_position = 0;    ///< from QMP query-sev-capabilities
  std::uint32_t reduced_phys_bits = 0; ///< from QMP query-sev-capabilities
};

/// How a network device of the guest reaches the world.
enum class NetworkMode {
  user,   ///< QEMU's own, with ports forwarded
  bridge, ///< a bridge of the host, joined by QEMU's helper (qemu-bridge-helper)
  tap     ///< a tap device that exists already
};
std::string_view name_of(NetworkMode mode);
Result<NetworkMode> parse_network_mode(std::string_view name);

struct NetworkDevice {
  NetworkMode mode = NetworkMode::user;
  std::string host_device{}; ///< name of the bridge or tap; empty for user
  std::string mac{};         ///< empty: QEMU's default
};

/// A PCI device of the host given to the guest.
struct PassedDevice {
  std::string slot{};          ///< "0000:17:00.0"
  std::uint32_t host_node = 0; ///< NUMA node it hangs on
};

/// Paths are given to QEMU as they are: relative ones are relative to its working directory.
struct MachineSpec {
  Accelerator accelerator = Accelerator::tcg;
  Confidential confidential = Confidential::none;
  TdxSpec tdx{};
  SnpSpec snp{};
  std::uint32_t cpus = 1;
  std::string cpu_features{};     ///< appended to the CPU model: ",-avx"
  std::uint64_t memory_bytes = 0; ///< whole MiB
  std::string firmware{};         ///< empty: QEMU's own
  std::string kernel{};
  std::string initrd{};
  std::string cmdline{}; ///< measured; passed unchanged
  std::string root_disk{};
  std::string data_disk{};
  std::string share_disk{};
  std::string bundle{}; ///< empty: no fourth disk
  std::vector<PortForward> forwards{}; ///< through the first device of mode user
  std::vector<NetworkDevice> networks{NetworkDevice{}};
  /// NUMA nodes of the host whose huge pages are the guest's memory, one node of the guest each,
  /// ascending; empty: ordinary memory. CPUs and whole GiB of memory are shared out evenly.
  std::vector<std::uint32_t> hugepage_nodes{};
  std::optional<std::uint32_t> memory_node{}; ///< ordinary memory comes from that node alone
  std::vector<PassedDevice> gpus{};
  std::vector<PassedDevice> nvswitches{};
  std::uint64_t pci_hole64_bytes = 0; ///< 0: QEMU's own
  bool pci_hotplug = true;            ///< ACPI hotplug of bridges; part of the measured tables
  std::string console_log{};
  std::string qmp_socket{};
  ChannelKind channel = ChannelKind::serial_port;
  std::string channel_socket{}; ///< serial_port: QEMU listens here
  std::uint32_t guest_cid = 0;  ///< vsock: the guest's context id, >= 3
};

/// What the firmware measures of a machine beside its files: the part of a MachineSpec that
/// QEMU's ACPI tables are a function of (spec host 5.5).
struct ExpanderBus {
  std::uint32_t guest_node = 0; ///< NUMA node of the guest
  std::uint32_t bus = 0;        ///< number of its first bus
  std::uint32_t gpus = 0;       ///< root ports on it
  bool operator==(const ExpanderBus&) const = default;
};
struct MachineShape {
  std::uint32_t cpus = 1;
  std::uint64_t memory_bytes = 0;
  std::uint32_t slots = 0; ///< occupied PCI slots from 1 on, without root ports and expanders
  std::uint32_t networks = 0;      ///< of these: network devices
  std::uint32_t further_disks = 0; ///< of these: beside root, data and share disk
  std::uint32_t gpus = 0;
  std::uint32_t nvswitches = 0;
  std::uint32_t numa_nodes = 0; ///< of the guest; 0: no NUMA
  std::vector<ExpanderBus> expanders{};
  std::uint64_t pci_hole64_bytes = 0;
  bool pci_hotplug = true;
};
/// Counts what qemu_arguments puts on the bus.
MachineShape machine_shape(const MachineSpec& spec);

/// Refuses (Errc::config) sizes, networks, NUMA nodes and devices that make no machine; files and
/// sockets need not be known yet.
Status check_devices(const MachineSpec& spec);

/// Everything behind the program name. Refuses (Errc::config) what QEMU would accept and boot
/// differently from what was measured, for example an mr_config_id that is not 48 bytes.
Result<std::vector<std::string>> qemu_arguments(const MachineSpec& spec);

bool is_pci_slot(std::string_view text);       ///< "0000:17:00.0"
bool is_interface_name(std::string_view text); ///< of a network device, without options in it

/// Locally administered unicast address from the first six bytes of sha256(vm id) (spec host 1.14).
std::string mac_address(const std::array<std::uint8_t, 6>& hash);

} // namespace dstack::vm
