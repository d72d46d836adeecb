#include "measure/kernel_source.hpp"

#include <algorithm>
#include <array>

namespace dstack::measure {

namespace {

constexpr QemuVersion offers_file{10, 0, 0};
constexpr QemuVersion serves_files{10, 2, 0};

/// ee4e5898-3914-4259-9d6e-dc7bd79403cf, edk2's gLzmaCustomDecompressGuid, as stored.
constexpr std::array<std::uint8_t, 16> lzma_section{0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42,
                                                    0x9d, 0x6e, 0xdc, 0x7b, 0xd7, 0x94, 0x03, 0xcf};
constexpr std::size_t common_header = 4; ///< size in three bytes, type
constexpr std::size_t guided_header = 24;
constexpr std::uint8_t guid_defined = 2;

/// The stream in the section whose GUID stands here; nothing when it is none.
std::optional<ByteView> stream_at(ByteView firmware, std::size_t guid)
{
  if (guid < common_header) return {};
  ByteReader in{firmware.subspan(guid - common_header)};
  const auto low = in.u16le();
  const auto high = in.u8();
  const auto type = in.u8();
  const auto skipped = in.take(lzma_section.size());
  const auto offset = in.u16le();
  if (!low || !high || !type || !skipped || !offset || *type != guid_defined) return {};
  const std::size_t size = std::size_t{*high} << 16U | *low;
  const std::size_t start = guid - common_header;
  if (*offset < guided_header || size <= *offset || size > firmware.size() - start) return {};
  return firmware.subspan(start + *offset, size - *offset);
}

} // namespace

KernelHeader header_of(const QemuVersion& qemu, KernelSource source)
{
  const bool takes_file = source == KernelSource::named_file && qemu >= offers_file;
  return takes_file || qemu >= serves_files ? KernelHeader::as_in_file
                                            : KernelHeader::written_by_qemu;
}

bool offers_both(const QemuVersion& qemu)
{
  return qemu >= offers_file && qemu < serves_files;
}

std::optional<ByteView> compressed_volume(ByteView firmware)
{
  auto from = firmware.begin();
  while (true) {
    const auto at = std::search(from, firmware.end(), lzma_section.begin(), lzma_section.end());
    if (at == firmware.end()) return {};
    const auto stream = stream_at(firmware, static_cast<std::size_t>(at - firmware.begin()));
    if (stream) return stream;
    from = at + 1;
  }
}

KernelSource kernel_source_of(ByteView volume)
{
  constexpr std::string_view names = "etc/boot/";
  return as_text(volume).find(names) == std::string_view::npos ? KernelSource::items
                                                               : KernelSource::named_file;
}

} // namespace dstack::measure
