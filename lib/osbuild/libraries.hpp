#pragma once
/// Does every program of the root file system have its libraries?

#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

/// DT_NEEDED names of a 64-bit little-endian ELF file (System V ABI, chapter 5); none for a static
/// program and for what is no ELF file at all.
Result<std::vector<std::string>> needed_libraries(ByteView file);

/// Errc::config names the first program with a library that is not among those of the root.
Status check_libraries(const fs::path& root);

} // namespace dstack::osbuild
