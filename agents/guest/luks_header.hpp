#pragma once
/// Judges the LUKS2 header of the data disk before cryptsetup opens it. The host owns the disk: a
/// header of its making could name a null cipher, a second key or a weaker digest (LUKS2 On-Disk
/// Format Specification 1.1). Only what our own luksFormat writes is accepted.

#include "base/bytes.hpp"

namespace dstack::guest {

constexpr std::size_t luks_data_offset = 16 * 1024 * 1024; ///< where the encrypted data starts

bool all_zero(ByteView bytes);

/// True when the disk carries a LUKS magic, in whatever version or state.
bool has_luks_magic(ByteView start);

/// Checks both copies of the header in the first luks_data_offset bytes of the disk (fewer are
/// enough when both copies are inside). Salts and iteration counts are free, everything else fixed.
Status check_luks_header(ByteView start);

} // namespace dstack::guest
