#pragma once
/// What a VM's registers hold when the guest agent starts.
///
/// MRTD and RTMR2 are computed as TDX hardware and firmware would (spec host 5.2, 5.6). RTMR0 and
/// RTMR1 of the *simulated* TEE replay a short boot log of its own, all of it in events whose
/// names start with "sim-":
///   RTMR0  sim-vm-shape   sha384 of {"cpus":N,"memory_bytes":N}
///   RTMR1  sim-kernel     sha384 of the kernel file
///   RTMR2  cmdline, initrd as the firmware records them
/// so they change with the image and the VM's shape, and nobody can take them for hardware's.

#include "measure/boot_events.hpp"

namespace dstack::measure {

struct VmShape {
  std::uint32_t cpus = 1;
  std::uint64_t memory_bytes = 0;
};

struct BootInputs {
  ByteView firmware{};
  crypto::Sha384Digest kernel{}; ///< sha384 of the file
  crypto::Sha384Digest initrd{}; ///< sha384 of the file
  std::string cmdline{};         ///< as in metadata.json, without " initrd=initrd"
  VmShape shape{};
};

struct BootMeasurement {
  crypto::Sha384Digest mrtd{};
  std::array<crypto::Sha384Digest, 4> rtmr{};
  std::vector<attest::TdxEvent> events{};
};

/// What the simulated TEE extends RTMR0 with.
crypto::Sha384Digest shape_digest(const VmShape& shape);

Result<BootMeasurement> simulated_boot(const BootInputs& inputs);
/// The same with an MRTD that is given: for a VM that has no firmware to compute it from.
Result<BootMeasurement> simulated_boot(const BootInputs& inputs, const crypto::Sha384Digest& mrtd);

codec::Json to_json(const BootMeasurement& boot);
Result<BootMeasurement> boot_from_json(const codec::Json& json);

} // namespace dstack::measure
