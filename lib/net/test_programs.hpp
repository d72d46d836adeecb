#pragma once
/// Other programs that speak TLS, for tests.

#include "sys/spawn.hpp"

#include <doctest/doctest.h>

namespace dstack::net {

/// A file for a program that reads its keys from one.
class TestFiles {
public:
  TestFiles() = default;
  TestFiles(const TestFiles&) = delete;
  TestFiles& operator=(const TestFiles&) = delete;
  ~TestFiles() { static_cast<void>(sys::remove_tree(folder_)); }
  std::string holding(const std::string& name, const std::string& text) const
  {
    const auto path = folder_ / name;
    REQUIRE(sys::write_file_atomic(path, as_bytes(text), sys::Privacy::owner_only));
    return path.string();
  }

private:
  sys::fs::path folder_ = *sys::make_temp_directory(sys::fs::temp_directory_path(), "tls-test");
};

inline sys::Output run_program(std::vector<std::string> argv, std::string input = "")
{
  sys::Command command;
  command.argv = std::move(argv);
  command.env = {{"no_proxy", "127.0.0.1,localhost"}};
  const auto out = sys::run(command, as_bytes(input), {std::chrono::milliseconds{20'000}});
  REQUIRE(out);
  return *out;
}

} // namespace dstack::net
