#pragma once
/// For tests only: a folder that goes away with the test.

#include "sys/files.hpp"

namespace dstack::archive::test {

struct Scratch {
  sys::fs::path path =
      *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-archive-test");
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { static_cast<void>(sys::remove_tree(path)); }
};

} // namespace dstack::archive::test
