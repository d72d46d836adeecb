#include "measure/kernel.hpp"

#include "measure/machine_layout.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

// QEMU hw/i386/x86-common.c, x86_load_linux.
constexpr std::size_t header_end = 0x268; ///< of every version of the protocol
constexpr std::uint64_t real_address = 0x10000;
constexpr std::uint64_t cmdline_address = 0x20000;
constexpr std::uint64_t initrd_max_new = 0xffffffff;
constexpr std::uint64_t acpi_data_size = 0x28000;

constexpr std::uint64_t oldest_protocol = 0x202; ///< has cmd_line_ptr
constexpr std::uint64_t xloadflags_protocol = 0x20c;
constexpr std::uint8_t loaded_high = 1;     ///< bit of loadflags
constexpr std::uint8_t can_use_heap = 0x80; ///< bit of loadflags
constexpr std::uint16_t above_4g = 2;       ///< bit of xloadflags
constexpr std::uint8_t loader_qemu = 0xb0;

/// The setup header's fields by their offsets in the file.
class SetupHeader {
public:
  explicit SetupHeader(ByteView kernel)
      : bytes_(to_bytes(kernel.first(std::min(kernel.size(), header_end))))
  {
    bytes_.resize(header_end, 0);
  }

  std::uint64_t get(std::size_t offset, unsigned size) const
  {
    std::uint64_t out = 0;
    for (unsigned i = size; i-- > 0;)
      out = out << 8U | bytes_[offset + i];
    return out;
  }
  void set(std::size_t offset, unsigned size, std::uint64_t value)
  {
    for (unsigned i = 0; i < size; ++i)
      bytes_[offset + i] = static_cast<std::uint8_t>(value >> 8U * i);
  }
  /// 0 without "HdrS": as old as kernels get.
  std::uint64_t protocol() const
  {
    constexpr std::uint64_t signature = 0x53726448;
    return get(0x202, 4) == signature ? get(0x206, 2) : 0;
  }
  Bytes take() { return std::move(bytes_); }

private:
  Bytes bytes_;
};

Status place_initrd(SetupHeader& header, const KernelServing& serving)
{
  std::uint64_t limit = header.get(0x22c, 4); // initrd_addr_max; before 2.03 bytes of code
  if (header.protocol() < 0x203) limit = 0x37ffffff;
  if (header.protocol() >= xloadflags_protocol && (header.get(0x236, 2) & above_4g) != 0)
    limit = initrd_max_new;
  const std::uint64_t low = memory_below_4g(serving.memory_bytes);
  if (low <= acpi_data_size) return fail(Errc::config, "{} bytes of memory for a kernel", low);
  limit = std::min(limit, low - acpi_data_size - 1);
  if (serving.initrd_size >= limit)
    return fail(Errc::config, "initrd of {} bytes with {} bytes of memory (QEMU's limit is {})",
                serving.initrd_size, serving.memory_bytes, limit);
  constexpr std::uint64_t page_mask = 0xfff;
  header.set(0x218, 4, (limit - serving.initrd_size) & ~page_mask);
  header.set(0x21c, 4, serving.initrd_size);
  return ok();
}

} // namespace

std::uint64_t serving_class(std::uint64_t memory_bytes)
{
  return memory_below_4g(memory_bytes);
}

Result<Bytes> served_head(ByteView kernel, const KernelServing& serving)
{
  if (kernel.size() < header_end)
    return fail(Errc::malformed, "kernel of {} bytes has no setup header", kernel.size());
  SetupHeader header{kernel};
  const std::uint64_t protocol = header.protocol();
  if (protocol < oldest_protocol || (header.get(0x211, 1) & loaded_high) == 0)
    return fail(Errc::unsupported, "not a bzImage of boot protocol 2.02 or later");
  header.set(0x228, 4, cmdline_address);
  header.set(0x210, 1, loader_qemu);
  header.set(0x211, 1, header.get(0x211, 1) | can_use_heap);
  header.set(0x224, 2, cmdline_address - real_address - 0x200);
  if (serving.initrd_size != 0) TRY(place_initrd(header, serving));
  return header.take();
}

Result<Bytes> served_kernel(ByteView kernel, const KernelServing& serving)
{
  Bytes out = TRY(served_head(kernel, serving));
  const ByteView rest = kernel.subspan(out.size());
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

Result<crypto::Sha384Digest> kernel_digest(ByteView kernel, const KernelServing& serving)
{
  const Bytes head = TRY(served_head(kernel, serving));
  return authenticode_sha384(ServedFile{head, kernel});
}

} // namespace dstack::measure
