#pragma once
/// A Linux kernel as QEMU hands it to the firmware of a TDX guest, when it writes into the setup
/// header what a boot loader has to (Linux Documentation/arch/x86/boot.rst; spec host 5.6), so that
/// the kernel's digest depends on initrd and memory. When it does so: kernel_source.hpp.

#include "measure/authenticode.hpp"

namespace dstack::measure {

/// What the header depends on.
struct KernelServing {
  std::uint64_t memory_bytes = 0;
  std::uint64_t initrd_size = 0; ///< 0: there is none
  auto operator<=>(const KernelServing&) const = default;
};

/// The bytes at the kernel's start that differ from the file or lie before one that does. Refused
/// is an initrd that does not fit below QEMU's limit: QEMU would not start.
Result<Bytes> served_head(ByteView kernel, const KernelServing& serving);
/// The whole kernel as served.
Result<Bytes> served_kernel(ByteView kernel, const KernelServing& serving);

/// SHA-384 Authenticode digest as the firmware measures it.
Result<crypto::Sha384Digest> kernel_digest(ByteView kernel, const KernelServing& serving);

/// Memory sizes for which kernels are served alike, as one of them: all that leave as much below
/// 4 GiB as QEMU ever puts there (spec host 5.6).
std::uint64_t serving_class(std::uint64_t memory_bytes);

} // namespace dstack::measure
