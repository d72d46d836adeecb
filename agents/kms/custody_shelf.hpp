#pragma once
/// DIR/held: shares that other KMS left here for the time after their restart.

#include "sys/files.hpp"

namespace dstack::kmsnode {

/// The share file of that cluster; Errc::not_found when there is none.
Result<std::string> held_share(const sys::fs::path& directory, ByteView cluster);

} // namespace dstack::kmsnode
