#include "measure/aml.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::measure::aml {

namespace {

/// Opcodes (ACPI 6.5, 20.3); those above 0xff follow the prefix 0x5b.
enum Opcode : std::uint16_t {
  op_zero = 0x00,
  op_one = 0x01,
  op_name = 0x08,
  op_byte = 0x0a,
  op_word = 0x0b,
  op_dword = 0x0c,
  op_string = 0x0d,
  op_qword = 0x0e,
  op_scope = 0x10,
  op_buffer = 0x11,
  op_package = 0x12,
  op_method = 0x14,
  op_dual_name = 0x2e,
  op_multi_name = 0x2f,
  op_local = 0x60,
  op_argument = 0x68,
  op_store = 0x70,
  op_add = 0x72,
  op_subtract = 0x74,
  op_increment = 0x75,
  op_shift_left = 0x79,
  op_shift_right = 0x7a,
  op_and = 0x7b,
  op_or = 0x7d,
  op_deref_of = 0x83,
  op_notify = 0x86,
  op_size_of = 0x87,
  op_index = 0x88,
  op_dword_field = 0x8a,
  op_logical_and = 0x90,
  op_logical_or = 0x91,
  op_logical_not = 0x92,
  op_equal = 0x93,
  op_less = 0x95,
  op_to_buffer = 0x96,
  op_to_hex_string = 0x98,
  op_if = 0xa0,
  op_else = 0xa1,
  op_while = 0xa2,
  op_return = 0xa4,
  op_break = 0xa5,
  op_mutex = 0x5b01,
  op_acquire = 0x5b23,
  op_release = 0x5b27,
  op_debug = 0x5b31,
  op_region = 0x5b80,
  op_field = 0x5b81,
  op_device = 0x5b82,
  op_processor = 0x5b83
};

constexpr std::size_t segment_size = 4;
constexpr std::uint8_t no_target = 0;

Code bytes_of(std::uint8_t byte)
{
  return {byte};
}

Code opcode(Opcode code)
{
  if (code > 0xff)
    return {static_cast<std::uint8_t>(code >> 8U), static_cast<std::uint8_t>(code & 0xffU)};
  return {static_cast<std::uint8_t>(code)};
}

Code term(Opcode code, std::initializer_list<ByteView> operands)
{
  Code out = opcode(code);
  for (const ByteView operand : operands)
    out.insert(out.end(), operand.begin(), operand.end());
  return out;
}

/// PkgLength of a value as it is: one byte holds 6 bits, each further one 8 above the lowest 4.
Code package_length(std::size_t value)
{
  if (value < 0x40) return bytes_of(static_cast<std::uint8_t>(value));
  const std::uint8_t more = value < 0x1000 ? 1 : value < 0x100000 ? 2 : 3;
  Code out{static_cast<std::uint8_t>(more << 6U | (value & 0xfU))};
  for (std::uint8_t i = 0; i < more; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (4 + 8 * i)));
  return out;
}

/// A term whose length is said behind its opcode, that of the length included.
Code block(Opcode code, std::initializer_list<ByteView> pieces)
{
  const Code content = concat(pieces);
  std::size_t own = 1;
  while (package_length(content.size() + own).size() != own)
    ++own;
  return term(code, {package_length(content.size() + own), content});
}

std::uint32_t parse_hex_number(std::string_view digits)
{
  std::uint32_t value = 0;
  for (const char c : digits)
    value = value << 4U | static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'A' + 10);
  return value;
}

} // namespace

Code integer(std::uint64_t value)
{
  ByteWriter out;
  if (value == 0) return opcode(op_zero);
  if (value == 1) return opcode(op_one);
  if (value <= 0xff)
    out.u8(op_byte).u8(static_cast<std::uint8_t>(value));
  else if (value <= 0xffff)
    out.u8(op_word).u16le(static_cast<std::uint16_t>(value));
  else if (value <= 0xffffffff)
    out.u8(op_dword).u32le(static_cast<std::uint32_t>(value));
  else
    out.u8(op_qword).u64le(value);
  return out.take();
}

Code text(std::string_view value)
{
  return term(op_string, {as_bytes(value), bytes_of(0)});
}

Code buffer(ByteView content)
{
  return block(op_buffer, {integer(content.size()), content});
}

Code package(const std::vector<Code>& elements)
{
  Code content{static_cast<std::uint8_t>(elements.size())};
  for (const Code& element : elements)
    content.insert(content.end(), element.begin(), element.end());
  return block(op_package, {content});
}

Code empty_package(std::uint8_t count)
{
  return block(op_package, {bytes_of(count)});
}

Code eisa_id(std::string_view id)
{
  std::uint32_t packed = 0;
  for (const char letter : id.substr(0, 3))
    packed = packed << 5U | static_cast<std::uint32_t>(letter - 0x40);
  packed = packed << 16U | parse_hex_number(id.substr(3));
  return ByteWriter{}.u8(op_dword).u32be(packed).take();
}

Code uuid(std::string_view text)
{
  const auto groups = split(text, '-');
  ByteWriter out;
  out.u32le(parse_hex_number(groups.at(0)));
  out.u16le(static_cast<std::uint16_t>(parse_hex_number(groups.at(1))));
  out.u16le(static_cast<std::uint16_t>(parse_hex_number(groups.at(2))));
  out.u16be(static_cast<std::uint16_t>(parse_hex_number(groups.at(3))));
  out.u16be(static_cast<std::uint16_t>(parse_hex_number(groups.at(4).substr(0, 4))));
  out.u32be(parse_hex_number(groups.at(4).substr(4)));
  return buffer(out.bytes());
}

Code path(std::string_view name)
{
  ByteWriter out;
  while (!name.empty() && (name.front() == '\\' || name.front() == '^')) {
    out.text(name.substr(0, 1));
    name.remove_prefix(1);
  }
  if (name.empty()) return out.u8(op_zero).take();
  const auto segments = split(name, '.');
  if (segments.size() == 2) out.u8(op_dual_name);
  if (segments.size() > 2)
    out.u8(op_multi_name).u8(static_cast<std::uint8_t>(segments.size()));
  for (const std::string_view segment : segments)
    out.text(segment).text(std::string(segment_size - segment.size(), '_'));
  return out.take();
}

Code local(std::uint8_t number)
{
  return bytes_of(static_cast<std::uint8_t>(op_local + number));
}

Code argument(std::uint8_t number)
{
  return bytes_of(static_cast<std::uint8_t>(op_argument + number));
}

Code debug()
{
  return opcode(op_debug);
}

Code name(std::string_view name, ByteView value)
{
  return term(op_name, {path(name), value});
}

Code scope(std::string_view name, ByteView body)
{
  return block(op_scope, {path(name), body});
}

Code device(std::string_view name, ByteView body)
{
  return block(op_device, {path(name), body});
}

Code method(std::string_view name, std::uint8_t arguments, Calls calls, ByteView body)
{
  const unsigned serialize = calls == Calls::serialized ? 8 : 0;
  return block(op_method,
               {path(name), bytes_of(static_cast<std::uint8_t>(arguments | serialize)), body});
}

Code processor(std::string_view name, std::uint8_t id, ByteView body)
{
  // No processor register block: its address and length are zero.
  return block(op_processor, {path(name), bytes_of(id), Code(5, 0), body});
}

Code mutex(std::string_view name)
{
  return term(op_mutex, {path(name), bytes_of(0)});
}

Code region(std::string_view name, Space space, std::uint32_t offset, std::uint32_t length)
{
  return term(op_region, {path(name), bytes_of(static_cast<std::uint8_t>(space)), integer(offset),
                          integer(length)});
}

Code field(std::string_view region, Access access, const std::vector<FieldUnit>& units)
{
  Code list;
  for (const FieldUnit& unit : units) {
    const Code encoded =
        concat({unit.name.empty() ? bytes_of(0) : path(unit.name), package_length(unit.bits)});
    list.insert(list.end(), encoded.begin(), encoded.end());
  }
  return block(op_field, {path(region), bytes_of(static_cast<std::uint8_t>(access)), list});
}

Code store(ByteView value, ByteView target)
{
  return term(op_store, {value, target});
}

Code give_back(ByteView value)
{
  return term(op_return, {value});
}

Code when(ByteView condition, ByteView body)
{
  return block(op_if, {condition, body});
}

Code otherwise(ByteView body)
{
  return block(op_else, {body});
}

Code repeat_while(ByteView condition, ByteView body)
{
  return block(op_while, {condition, body});
}

Code leave_loop()
{
  return opcode(op_break);
}

Code increment(ByteView target)
{
  return term(op_increment, {target});
}

Code notify(std::string_view object, ByteView value)
{
  return term(op_notify, {path(object), value});
}

Code acquire(std::string_view mutex)
{
  return term(op_acquire, {path(mutex), Code{0xff, 0xff}});
}

Code release(std::string_view mutex)
{
  return term(op_release, {path(mutex)});
}

Code dword_field(ByteView buffer, std::uint32_t offset, std::string_view name)
{
  return term(op_dword_field, {buffer, integer(offset), path(name)});
}

Code equals(ByteView a, ByteView b)
{
  return term(op_equal, {a, b});
}

Code less(ByteView a, ByteView b)
{
  return term(op_less, {a, b});
}

Code both(ByteView a, ByteView b)
{
  return term(op_logical_and, {a, b});
}

Code either(ByteView a, ByteView b)
{
  return term(op_logical_or, {a, b});
}

Code negate(ByteView a)
{
  return term(op_logical_not, {a});
}

Code bits_and(ByteView a, ByteView b)
{
  return bits_and(a, b, bytes_of(no_target));
}

Code bits_and(ByteView a, ByteView b, ByteView target)
{
  return term(op_and, {a, b, target});
}

Code bits_or(ByteView a, ByteView b)
{
  return bits_or(a, b, bytes_of(no_target));
}

Code bits_or(ByteView a, ByteView b, ByteView target)
{
  return term(op_or, {a, b, target});
}

Code shift_left(ByteView value, ByteView count)
{
  return term(op_shift_left, {value, count, bytes_of(no_target)});
}

Code shift_right(ByteView value, ByteView count)
{
  return term(op_shift_right, {value, count, bytes_of(no_target)});
}

Code add(ByteView a, ByteView b)
{
  return term(op_add, {a, b, bytes_of(no_target)});
}

Code subtract(ByteView a, ByteView b, ByteView target)
{
  return term(op_subtract, {a, b, target});
}

Code element(ByteView of, ByteView number)
{
  return term(op_index, {of, number, bytes_of(no_target)});
}

Code value_at(ByteView reference)
{
  return term(op_deref_of, {reference});
}

Code size_of(ByteView object)
{
  return term(op_size_of, {object});
}

Code to_hex_string(ByteView value, ByteView target)
{
  return term(op_to_hex_string, {value, target});
}

Code to_buffer(ByteView value, ByteView target)
{
  return term(op_to_buffer, {value, target});
}

Code call(std::string_view method, std::initializer_list<ByteView> arguments)
{
  return concat({path(method), concat(arguments)});
}

} // namespace dstack::measure::aml
