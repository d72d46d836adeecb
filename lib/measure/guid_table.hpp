#pragma once
/// The table of GUIDs at the end of OVMF: where the firmware says what it wants of whoever loads it
/// (edk2 OvmfPkg/ResetVector, "GUIDed structure"; spec host 5.2, 5.10).

#include "base/bytes.hpp"

#include <optional>

namespace dstack::measure {

inline constexpr std::size_t max_firmware_size = std::size_t{32} << 20U;

/// As stored: the first three groups with their bytes reversed.
using Guid = std::array<std::uint8_t, 16>;

class GuidTable {
public:
  /// Errc::unsupported when the file has no such table, Errc::malformed when the table's sizes do
  /// not fit together. The file's bytes must outlive the table.
  static Result<GuidTable> of(ByteView firmware);

  /// Data of the entry nearest to the end of the file with this GUID.
  std::optional<ByteView> find(const Guid& guid) const;

private:
  struct Entry {
    Guid guid{};
    ByteView data{};
  };
  std::vector<Entry> entries_;
};

/// What an entry points to whose last four bytes are a distance from the end of the file: from
/// there to the end.
Result<ByteView> descriptor_of(ByteView firmware, ByteView entry);

} // namespace dstack::measure
