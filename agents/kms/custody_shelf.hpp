#pragma once
/// DIR/held: shares that other KMS left here for the time after their restart. DIR/shares: those of
/// this KMS in a VM.

#include "codec/json.hpp"
#include "sys/files.hpp"

namespace dstack::kmsnode {

/// The share file of that cluster; Errc::not_found when there is none.
Result<std::string> held_share(const sys::fs::path& directory, ByteView cluster);

/// The shares of a root that was made here, for their custodians to fetch: {"schema", "shares"},
/// each the text of a share file. Only those that are sealed to a key: anybody may read these.
codec::Json shares_to_fetch(const sys::fs::path& directory);

} // namespace dstack::kmsnode
