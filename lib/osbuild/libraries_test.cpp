#include "osbuild/libraries.hpp"
#include "osbuild/unpack.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace dstack::osbuild {

TEST_SUITE("osbuild::needed_libraries")
{
  TEST_CASE("this test itself needs the C library")
  {
    const Bytes self = *sys::read_file(fs::read_symlink("/proc/self/exe"), 1U << 30U);
    const auto needed = needed_libraries(self);
    REQUIRE(needed);
    CHECK(std::find(needed->begin(), needed->end(), "libc.so.6") != needed->end());
  }

  TEST_CASE("other files need nothing, and a cut program is refused or needs nothing")
  {
    CHECK(needed_libraries({})->empty());
    CHECK(needed_libraries(as_bytes("#!/bin/sh\n"))->empty());
    const Bytes self = *sys::read_file(fs::read_symlink("/proc/self/exe"), 1U << 30U);
    for (std::size_t size = 0; size < 2000; ++size)
      static_cast<void>(needed_libraries(ByteView{self}.first(size)));
    CHECK_FALSE(needed_libraries(ByteView{self}.first(60)));
  }
}

TEST_SUITE("osbuild::check_libraries")
{
  TEST_CASE("a program without its library is named, with it accepted")
  {
    const fs::path root = *sys::make_temp_directory(fs::temp_directory_path(), "libraries");
    REQUIRE(make_directory(root, "usr/bin", 0755));
    fs::copy_file(fs::read_symlink("/proc/self/exe"), root / "usr/bin/program");
    const auto missing = check_libraries(root);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message().find("usr/bin/program needs lib") == 0);
    const Bytes self = *sys::read_file(root / "usr/bin/program", 1U << 30U);
    const auto needed = needed_libraries(self);
    REQUIRE(needed);
    for (const std::string& library : *needed)
      REQUIRE(write_file(root / "usr" / library, {}, 0644));
    CHECK(check_libraries(root));
    fs::remove_all(root);
  }
}

} // namespace dstack::osbuild
