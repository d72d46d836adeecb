#include "guest/swap.hpp"

#include "sys/files.hpp"
#include "sys/spawn.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {

TEST_SUITE("guest::swap")
{
  TEST_CASE("blkid and file know the header")
  {
    const Bytes header = swap_header(256);
    CHECK(header.size() == 4096);
    CHECK(as_text(ByteView{header}.last(10)) == "SWAPSPACE2");
    ByteReader in{ByteView{header}.subspan(1024)};
    CHECK(*in.u32le() == 1);
    CHECK(*in.u32le() == 255);
    CHECK(*in.u32le() == 0);
    const auto tool = sys::find_program("blkid");
    if (!tool) {
      MESSAGE("not run: no blkid");
      return;
    }
    const auto folder = *sys::make_temp_directory(sys::fs::temp_directory_path(), "swap-test");
    Bytes file = header;
    file.resize(256 * 4096);
    REQUIRE(sys::write_file_atomic(folder / "swap", file, sys::Privacy::owner_only));
    sys::Command command;
    command.argv = {tool->string(), "-p", "-o", "value", "-s", "TYPE", (folder / "swap").string()};
    const auto said = sys::run_ok(command, {}, {});
    REQUIRE(said);
    CHECK(said->out == "swap\n");
    CHECK(sys::remove_tree(folder));
  }

  TEST_CASE("a size that is none")
  {
    CHECK(start_swap("/nonexistent", 0));
    CHECK(start_swap("/nonexistent", 4096).error().message() == "swap_size: 4096 bytes");
  }
}

} // namespace dstack::guest
