#pragma once
/// For tests only: a folder that goes away with the test.

#include "sys/files.hpp"

namespace dstack::store::test {

struct TempDirectory {
  sys::fs::path path =
      *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-store-test");
  TempDirectory() = default;
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() { static_cast<void>(sys::remove_tree(path)); }
};

} // namespace dstack::store::test
