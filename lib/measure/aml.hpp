#pragma once
/// ACPI Machine Language, as much of it as QEMU's tables use: each function returns the encoded
/// term, and terms nest by being handed on (ACPI 6.5, chapter 20; spec host 5.5.4).

#include "base/bytes.hpp"

namespace dstack::measure::aml {

/// One or several encoded terms.
using Code = Bytes;

// Data.
/// The shortest of the forms Zero, One, byte, word, dword and qword.
Code integer(std::uint64_t value);
Code text(std::string_view value);
Code buffer(ByteView content);
Code package(const std::vector<Code>& elements);
/// Room for count elements, none of which is given.
Code empty_package(std::uint8_t count);
/// "PNP0A08" as the dword that EISA packs it into.
Code eisa_id(std::string_view id);
/// The 16 bytes of "33DB4D5B-1FF7-…", its first three groups little-endian.
Code uuid(std::string_view text);

// Names: "_SB.PCI0", "\\_GPE._E02", "^S30.PCNT"; segments are padded to four with '_'.
Code path(std::string_view name);
Code local(std::uint8_t number);
Code argument(std::uint8_t number);
Code debug();

// Declarations.
enum class Calls { concurrent, serialized };
Code name(std::string_view name, ByteView value);
Code scope(std::string_view name, ByteView body);
Code device(std::string_view name, ByteView body);
Code method(std::string_view name, std::uint8_t arguments, Calls calls, ByteView body);
Code processor(std::string_view name, std::uint8_t id, ByteView body);
Code mutex(std::string_view name);
enum class Space : std::uint8_t { system_io = 1, pci_config = 2 };
Code region(std::string_view name, Space space, std::uint32_t offset, std::uint32_t length);
/// Access width and update rule of a field's accesses, without locking.
enum class Access : std::uint8_t {
  byte_preserve = 0x01,
  byte_zeros = 0x41,
  dword_preserve = 0x03,
  dword_zeros = 0x43
};
struct FieldUnit {
  std::string_view name{}; ///< empty: bits that are skipped
  std::uint32_t bits = 0;
};
Code field(std::string_view region, Access access, const std::vector<FieldUnit>& units);

// Statements.
Code store(ByteView value, ByteView target);
Code give_back(ByteView value); ///< Return
Code when(ByteView condition, ByteView body);
Code otherwise(ByteView body);
Code repeat_while(ByteView condition, ByteView body);
Code leave_loop(); ///< Break
Code increment(ByteView target);
Code notify(std::string_view object, ByteView value);
Code acquire(std::string_view mutex); ///< for as long as it takes
Code release(std::string_view mutex);
Code dword_field(ByteView buffer, std::uint32_t offset, std::string_view name);

// Expressions. Those with three operands store into the last.
Code equals(ByteView a, ByteView b);
Code less(ByteView a, ByteView b);
Code both(ByteView a, ByteView b);   ///< LAnd
Code either(ByteView a, ByteView b); ///< LOr
Code negate(ByteView a);             ///< LNot
Code bits_and(ByteView a, ByteView b);
Code bits_and(ByteView a, ByteView b, ByteView target);
Code bits_or(ByteView a, ByteView b);
Code bits_or(ByteView a, ByteView b, ByteView target);
Code shift_left(ByteView value, ByteView count);
Code shift_right(ByteView value, ByteView count);
Code add(ByteView a, ByteView b);
Code subtract(ByteView a, ByteView b, ByteView target);
Code element(ByteView of, ByteView number); ///< Index
Code value_at(ByteView reference);          ///< DerefOf
Code size_of(ByteView object);
Code to_hex_string(ByteView value, ByteView target);
Code to_buffer(ByteView value, ByteView target);
Code call(std::string_view method, std::initializer_list<ByteView> arguments = {});

// Resource descriptors (ACPI 6.5, 6.4) for resources().
Code resources(ByteView descriptors); ///< ResourceTemplate
Code io_ports(std::uint16_t first, std::uint8_t alignment, std::uint8_t length);
Code interrupt_line(std::uint8_t number); ///< IRQNoFlags
Code interrupt_line(std::uint8_t number, std::uint8_t flags);
/// The extended descriptor; flags as in its byte 3.
Code interrupts(std::uint8_t flags, const std::vector<std::uint32_t>& numbers);
Code bus_numbers(std::uint8_t first, std::uint8_t last);
Code io_window(std::uint16_t first, std::uint16_t last);
enum class Caching : std::uint8_t { none = 0x01, write_back = 0x03 }; ///< both are read-write
Code memory_window(Caching caching, std::uint32_t first, std::uint32_t last);
Code memory_window_64(Caching caching, std::uint64_t first, std::uint64_t size);

} // namespace dstack::measure::aml
