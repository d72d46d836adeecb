#pragma once
/// Whether the firmware gets the kernel with the header that QEMU wrote, or as it is in its file:
/// a matter of QEMU and of the firmware.
///
/// Up to 10.1 QEMU writes the boot loader's fields into the header it puts into fw_cfg's kernel
/// items; for confidential guests it stops with 10.2 (spec host 5.6). From 10.0 on it also offers
/// the file as it is, as "etc/boot/kernel" (QEMU's commit "x86/loader: expose unpatched kernel"),
/// and edk2 from stable202502 on takes that one where it is there (tianocore/edk2 pull request
/// 10628, "QemuKernelLoaderFsDxe: add support for named blobs").

#include "base/bytes.hpp"
#include "measure/qemu_version.hpp"

#include <optional>

namespace dstack::measure {

/// How the kernel reaches the firmware.
enum class KernelHeader { written_by_qemu, as_in_file };

/// Where the firmware takes it from.
enum class KernelSource { items, named_file };

KernelHeader header_of(const QemuVersion& qemu, KernelSource source);
/// True for a QEMU that offers both, so that it takes a look at the firmware to know.
bool offers_both(const QemuVersion& qemu);

/// The LZMA stream with most of the firmware's code (UEFI PI 1.7, volume 3, 3.2.5.7, with edk2's
/// GUID for LZMA); nothing in firmware that is not compressed.
std::optional<ByteView> compressed_volume(ByteView firmware);
/// volume: the code in plain. What looks for named files has the beginning of their names in it.
KernelSource kernel_source_of(ByteView volume);

} // namespace dstack::measure
