/// The resource descriptors of aml.hpp.
#include "measure/aml.hpp"

namespace dstack::measure::aml {

namespace {

/// Tags (ACPI 6.5, 6.4.2 and 6.4.3).
enum Tag : std::uint8_t {
  tag_irq_no_flags = 0x22,
  tag_irq = 0x23,
  tag_io = 0x47,
  tag_end = 0x79,
  tag_dword_space = 0x87,
  tag_word_space = 0x88,
  tag_extended_interrupt = 0x89,
  tag_qword_space = 0x8a
};

enum Resource : std::uint8_t { memory = 0, io = 1, bus = 2 };

constexpr std::uint8_t decode_16_bits = 1;
/// Positive decoding, both ends fixed.
constexpr std::uint8_t fixed_window = 0x0c;
constexpr std::uint8_t entire_io_range = 3;

/// The head of an address space descriptor of 3 + 5 * width bytes after its length.
ByteWriter window(Tag tag, std::uint16_t width, Resource resource, std::uint8_t flags)
{
  ByteWriter out;
  out.u8(tag).u16le(static_cast<std::uint16_t>(3 + 5 * width));
  out.u8(resource).u8(fixed_window).u8(flags);
  return out;
}

/// Granularity, first, last, translation, length.
Code word_window(Resource resource, std::uint8_t flags, std::uint16_t first, std::uint16_t last)
{
  return window(tag_word_space, 2, resource, flags)
      .u16le(0)
      .u16le(first)
      .u16le(last)
      .u16le(0)
      .u16le(static_cast<std::uint16_t>(last - first + 1))
      .take();
}

} // namespace

Code resources(ByteView descriptors)
{
  return buffer(concat({descriptors, Code{tag_end, 0}})); // checksum 0: not checked
}

Code io_ports(std::uint16_t first, std::uint8_t alignment, std::uint8_t length)
{
  ByteWriter out;
  out.u8(tag_io).u8(decode_16_bits).u16le(first).u16le(first);
  return out.u8(alignment).u8(length).take();
}

Code interrupt_line(std::uint8_t number)
{
  ByteWriter out;
  return out.u8(tag_irq_no_flags).u16le(static_cast<std::uint16_t>(1U << number)).take();
}

Code interrupt_line(std::uint8_t number, std::uint8_t flags)
{
  ByteWriter out;
  return out.u8(tag_irq).u16le(static_cast<std::uint16_t>(1U << number)).u8(flags).take();
}

Code interrupts(std::uint8_t flags, const std::vector<std::uint32_t>& numbers)
{
  ByteWriter out;
  out.u8(tag_extended_interrupt).u16le(static_cast<std::uint16_t>(2 + 4 * numbers.size()));
  out.u8(flags).u8(static_cast<std::uint8_t>(numbers.size()));
  for (const std::uint32_t number : numbers)
    out.u32le(number);
  return out.take();
}

Code bus_numbers(std::uint8_t first, std::uint8_t last)
{
  return word_window(bus, 0, first, last);
}

Code io_window(std::uint16_t first, std::uint16_t last)
{
  return word_window(io, entire_io_range, first, last);
}

Code memory_window(Caching caching, std::uint32_t first, std::uint32_t last)
{
  return window(tag_dword_space, 4, memory, static_cast<std::uint8_t>(caching))
      .u32le(0)
      .u32le(first)
      .u32le(last)
      .u32le(0)
      .u32le(last - first + 1)
      .take();
}

Code memory_window_64(Caching caching, std::uint64_t first, std::uint64_t size)
{
  return window(tag_qword_space, 8, memory, static_cast<std::uint8_t>(caching))
      .u64le(0)
      .u64le(first)
      .u64le(first + size - 1)
      .u64le(0)
      .u64le(size)
      .take();
}

} // namespace dstack::measure::aml
