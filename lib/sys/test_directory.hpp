#pragma once
/// For tests only: a folder that goes away with the test.

#include "sys/files.hpp"

namespace dstack::sys {

struct TestDirectory {
  fs::path path = *make_temp_directory(fs::temp_directory_path(), "dstack-test");
  TestDirectory() = default;
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() { static_cast<void>(remove_tree(path)); }
};

} // namespace dstack::sys
