#include "measure/kernel_source.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

const Bytes guid = *parse_hex("98584eee143959429d6edc7bd79403cf");

/// A section with this stream behind a header of that many bytes.
Bytes section(ByteView stream, std::uint16_t header = 24)
{
  ByteWriter out;
  const std::size_t size = header + stream.size();
  out.u16le(static_cast<std::uint16_t>(size)).u8(static_cast<std::uint8_t>(size >> 16U)).u8(2);
  out.put(guid).u16le(header).u16le(1).zeros(header - 24U);
  return out.put(stream).take();
}

Bytes stream_of(ByteView firmware)
{
  const auto found = compressed_volume(firmware);
  return found ? to_bytes(*found) : Bytes{};
}

} // namespace

TEST_SUITE("measure::kernel_source")
{
  TEST_CASE("between QEMU 10.0 and 10.1 the firmware decides who wrote the kernel's header")
  {
    struct Row {
      QemuVersion qemu{};
      KernelHeader items{};
      KernelHeader named{};
    };
    constexpr auto qemu_writes = KernelHeader::written_by_qemu;
    constexpr auto file = KernelHeader::as_in_file;
    for (const Row& row : {Row{{8, 2, 2}, qemu_writes, qemu_writes},
                           Row{{9, 2, 99}, qemu_writes, qemu_writes},
                           Row{{10, 0, 0}, qemu_writes, file}, Row{{10, 1, 99}, qemu_writes, file},
                           Row{{10, 2, 0}, file, file}, Row{{11, 1, 3}, file, file}}) {
      CAPTURE(text_of(row.qemu));
      CHECK(header_of(row.qemu, KernelSource::items) == row.items);
      CHECK(header_of(row.qemu, KernelSource::named_file) == row.named);
      CHECK(offers_both(row.qemu) == (row.items != row.named));
    }
  }

  TEST_CASE("the compressed code is found in a firmware, whatever stands before it")
  {
    const Bytes stream = to_bytes("LZMA stream");
    CHECK(stream_of(section(stream)) == stream);
    CHECK(stream_of(section(stream, 32)) == stream);
    // The GUID by itself, at the very start and in the middle, is no section.
    const Bytes firmware = concat({guid, Bytes(100, 0xff), guid, section(stream), Bytes(9, 0)});
    CHECK(stream_of(firmware) == stream);
    CHECK_FALSE(compressed_volume({}));
    CHECK_FALSE(compressed_volume(guid));
  }

  TEST_CASE("sections that do not fit are none")
  {
    const Bytes good = section(to_bytes("stream"));
    for (std::size_t size = 0; size < good.size(); ++size)
      CHECK_FALSE(compressed_volume(ByteView{good}.first(size)));
    Bytes bad = good;
    bad[3] = 3; // of another type
    CHECK_FALSE(compressed_volume(bad));
    bad = good;
    bad[20] = 23; // data inside the header
    CHECK_FALSE(compressed_volume(bad));
    bad = good;
    bad[20] = static_cast<std::uint8_t>(good.size()); // no data
    CHECK_FALSE(compressed_volume(bad));
  }

  TEST_CASE("a firmware that looks for named files says so")
  {
    CHECK(kernel_source_of(as_bytes("…etc/boot/\0…")) == KernelSource::named_file);
    CHECK(kernel_source_of(as_bytes("etc/table-loader")) == KernelSource::items);
    CHECK(kernel_source_of({}) == KernelSource::items);
  }
}

} // namespace dstack::measure
