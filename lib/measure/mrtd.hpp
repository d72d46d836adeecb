#pragma once
/// MRTD from the firmware file: the TDX module's page measurements replayed over the TDVF sections
/// (spec host 5.2; Intel TDX Module specification, TDH.MEM.PAGE.ADD and TDH.MR.EXTEND).

#include "crypto/hash.hpp"
#include "measure/guid_table.hpp"

namespace dstack::measure {

inline constexpr std::uint32_t max_sections = 64;

struct TdvfSection {
  std::uint32_t data_offset = 0;
  std::uint32_t raw_size = 0;
  std::uint64_t memory_address = 0;
  std::uint64_t memory_size = 0;
  std::uint32_t type = 0; ///< 0 BFV, 1 CFV, 2 TD HOB, 3 temporary memory
  std::uint32_t attributes = 0;

  bool measured() const { return (attributes & 1U) != 0; }    ///< MR.EXTEND
  bool added_later() const { return (attributes & 2U) != 0; } ///< PAGE.AUG
};

/// The section table of a TDVF firmware file, checked.
Result<std::vector<TdvfSection>> tdvf_sections(ByteView firmware);

/// How QEMU adds pages: major 8 adds all of a section, then measures it; 9 and later alternate.
enum class PageOrder { single_pass, two_pass };

Result<crypto::Sha384Digest> mrtd(ByteView firmware, PageOrder order);

} // namespace dstack::measure
