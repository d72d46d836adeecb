#pragma once
/// For tests only: a small PE image that is a Linux kernel with its setup header, too.

#include "base/bytes.hpp"

#include <algorithm>

namespace dstack::measure {

struct MadePe {
  std::uint16_t sections = 3;
  std::uint32_t directories = 16;
  std::uint32_t certificate_size = 16;
  std::size_t trailing = 8; ///< bytes between the last section and the certificates
  std::uint16_t protocol = 0x20f;
  std::uint16_t xloadflags = 0x7f;
};

inline void put_at(Bytes& file, std::size_t offset, ByteView bytes)
{
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(offset));
}

inline ByteWriter& made_section(ByteWriter& out, std::string_view name, std::uint32_t size,
                                std::uint32_t offset)
{
  return out.text(name).zeros(8 - name.size()).u32le(size).u32le(0x1000).u32le(size).u32le(offset)
      .zeros(16);
}

/// 0x400 bytes of headers, then sections of 0x200 and 0x100 bytes, the later one first in the
/// table, and one without data.
inline Bytes made_pe(const MadePe& made = {})
{
  constexpr std::size_t pe_offset = 0x40;
  Bytes out(0x700 + made.trailing + made.certificate_size, 0);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(i * 13 + i / 256);
  put_at(out, 0, as_bytes("MZ"));
  put_at(out, 0x3c, ByteWriter{}.u32le(pe_offset).bytes());
  ByteWriter head;
  head.text("PE").u16le(0).u16le(0x8664).u16le(made.sections).zeros(12);
  head.u16le(static_cast<std::uint16_t>(112 + 8 * made.directories)).u16le(0x206);
  head.u16le(0x20b).zeros(58).u32le(0x400).u32le(0x12345678).zeros(40).u32le(made.directories);
  for (std::uint32_t i = 0; i < made.directories; ++i)
    head.u32le(i == 4 ? 0x700 : 0).u32le(i == 4 ? made.certificate_size : 0);
  made_section(head, ".late", 0x100, 0x600);
  made_section(head, ".text", 0x200, 0x400);
  made_section(head, ".bss", 0, 0);
  put_at(out, pe_offset, head.bytes());
  put_at(out, 0x202, ByteWriter{}.text("HdrS").u16le(made.protocol).bytes());
  put_at(out, 0x210, ByteWriter{}.u8(0).u8(1).bytes());
  put_at(out, 0x22c, ByteWriter{}.u32le(0x7fffffff).zeros(6).u16le(made.xloadflags).bytes());
  return out;
}

} // namespace dstack::measure
