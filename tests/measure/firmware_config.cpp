#include "firmware_config.hpp"

namespace dstack::qtest {

namespace {

Status write_config(Machine& machine, std::uint32_t slot, std::uint8_t at, std::uint32_t value)
{
  constexpr std::uint16_t address_port = 0xcf8;
  constexpr std::uint16_t data_port = 0xcfc;
  constexpr std::uint32_t enable = 0x80000000;
  TRY(machine.out32(address_port, enable | slot << 11U | at));
  return machine.out32(data_port, value);
}

Result<Bytes> item(Machine& machine, std::uint16_t key, std::uint32_t size)
{
  constexpr std::uint64_t request_at = 0x100000;
  constexpr std::uint64_t data_at = 0x200000;
  constexpr std::uint32_t select_and_read = 0x0a;
  constexpr std::uint16_t dma_port_low = 0x518; // big-endian; writing it starts
  ByteWriter request;
  request.u32be(std::uint32_t{key} << 16U | select_and_read).u32be(size).u64be(data_at);
  TRY(machine.write(request_at, request.bytes()));
  TRY(machine.out32(dma_port_low, 0x00001000));
  const Bytes control = TRY(machine.read(request_at, 4));
  if (TRY(ByteReader{control}.u32be()) != 0) return fail(Errc::io, "fw_cfg DMA failed");
  if (size == 0) return Bytes{};
  return machine.read(data_at, size);
}

struct Entry {
  std::uint16_t key = 0;
  std::uint32_t size = 0;
};

Result<Entry> entry(Machine& machine, std::string_view name)
{
  constexpr std::uint16_t directory_key = 0x19;
  constexpr std::size_t name_size = 56;
  const Bytes head = TRY(item(machine, directory_key, 4));
  const std::uint32_t count = TRY(ByteReader{head}.u32be());
  const Bytes directory = TRY(item(machine, directory_key, 4 + count * 64));
  ByteReader in{ByteView{directory}.subspan(4)};
  while (in.remaining() > 0) {
    const std::uint32_t size = TRY(in.u32be());
    const std::uint16_t key = TRY(in.u16be());
    TRY(in.take(2));
    const std::string_view found = as_text(TRY(in.take(name_size)));
    if (found.substr(0, found.find('\0')) == name) return Entry{key, size};
  }
  return fail(Errc::not_found, "fw_cfg has no {}", name);
}

} // namespace

Status play_firmware(Machine& machine)
{
  constexpr std::uint32_t isa_bridge_function_0 = 31;
  TRY(write_config(machine, 0, 0x60, 0xe0000001)); // PCIEXBAR, enabled
  TRY(write_config(machine, isa_bridge_function_0, 0x40, 0x601)); // PMBASE
  TRY(write_config(machine, isa_bridge_function_0, 0x44, 0x80));  // ACPI_CNTL, enabled
  TRY(write_config(machine, 1, 0x20, 0));
  TRY(write_config(machine, 1, 0x24, 0x3800));
  return write_config(machine, 1, 0x04, 2); // memory space
}

Result<Bytes> config_file(Machine& machine, std::string_view name)
{
  const Entry first = TRY(entry(machine, name));
  TRY(item(machine, first.key, 0));
  const Entry now = TRY(entry(machine, name)); // it may have grown
  return item(machine, now.key, now.size);
}

} // namespace dstack::qtest
