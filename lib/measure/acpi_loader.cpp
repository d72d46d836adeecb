/// etc/table-loader: the commands QEMU writes for the firmware (spec host 5.5.2).
#include "measure/acpi_parts.hpp"

namespace dstack::measure::acpi {

namespace {

constexpr std::string_view tables_file = "etc/acpi/tables";
constexpr std::string_view rsdp_file = "etc/acpi/rsdp";
constexpr std::size_t command_size = 128;
constexpr std::size_t file_name_size = 56;
constexpr std::size_t blob_alignment = 4096;
constexpr std::uint32_t checksum_in_header = 9;
constexpr std::uint32_t first_pointer = 36; ///< behind a table's header

enum class Zone : std::uint8_t { high = 1, below_1m = 2 };

class Commands {
public:
  void allocate(std::string_view file, std::uint32_t alignment, Zone zone)
  {
    begin(1, file);
    out_.u32le(alignment).u8(static_cast<std::uint8_t>(zone));
    end();
  }
  /// At offset of file to there is a pointer of size bytes into the tables.
  void add_pointer(std::string_view to, std::uint32_t offset, std::uint8_t size)
  {
    begin(2, to);
    file_name(tables_file);
    out_.u32le(offset).u8(size);
    end();
  }
  void add_checksum(std::string_view file,
                    std::uint32_t result,
                    std::uint32_t begin_at,
                    std::uint32_t size)
  {
    begin(3, file);
    out_.u32le(result).u32le(begin_at).u32le(size);
    end();
  }
  void sum(const Place& table)
  {
    add_checksum(tables_file, table.offset + checksum_in_header, table.offset, table.size);
  }
  Bytes take()
  {
    const std::size_t size = (out_.size() + blob_alignment - 1) / blob_alignment * blob_alignment;
    return out_.zeros(size - out_.size()).take();
  }

private:
  void file_name(std::string_view name) { out_.text(name).zeros(file_name_size - name.size()); }
  void begin(std::uint32_t command, std::string_view file)
  {
    out_.u32le(command);
    file_name(file);
  }
  void end() { out_.zeros((command_size - out_.size() % command_size) % command_size); }

  ByteWriter out_;
};

} // namespace

Bytes loader(const std::vector<Place>& places)
{
  Commands commands;
  commands.allocate(rsdp_file, 16, Zone::below_1m);
  commands.allocate(tables_file, 64, Zone::high);
  for (const Place& place : places) {
    if (place.signature == "FACS") continue; // has no checksum
    if (place.signature == "FACP") {
      commands.add_pointer(tables_file, place.offset + first_pointer, 4);
      commands.add_pointer(tables_file, place.offset + first_pointer + 4, 4);
      commands.add_pointer(tables_file, place.offset + 140, 8);
    }
    if (place.signature == "RSDT")
      for (std::uint32_t at = first_pointer; at < place.size; at += 4)
        commands.add_pointer(tables_file, place.offset + at, 4);
    commands.sum(place);
  }
  constexpr std::uint32_t rsdp_size = 20;
  commands.add_pointer(rsdp_file, 16, 4);
  commands.add_checksum(rsdp_file, 8, 0, rsdp_size);
  return commands.take();
}

} // namespace dstack::measure::acpi
