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
  std::vector<PortForward> forwards{};
  std::string mac{}; ///< empty: QEMU's default
  std::string console_log{};
  std::string qmp_socket{};
  ChannelKind channel = ChannelKind::serial_port;
  std::string channel_socket{}; ///< serial_port: QEMU listens here
  std::uint32_t guest_cid = 0;  ///< vsock: the guest's context id, >= 3
};

/// Everything behind the program name. Refuses (Errc::config) what QEMU would accept and boot
/// differently from what was measured, for example an mr_config_id that is not 48 bytes.
Result<std::vector<std::string>> qemu_arguments(const MachineSpec& spec);

/// Locally administered unicast address from the first six bytes of sha256(vm id) (spec host 1.14).
std::string mac_address(const std::array<std::uint8_t, 6>& hash);

} // namespace dstack::vm
