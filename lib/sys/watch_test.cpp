#include "sys/watch.hpp"

#include <doctest/doctest.h>

namespace dstack::sys {

TEST_SUITE("sys::watch")
{
  TEST_CASE("files that are written, replaced and removed are told by name")
  {
    const fs::path directory = *make_temp_directory(fs::temp_directory_path(), "dstack-watch-test");
    const auto loop = *Loop::create();
    std::vector<std::string> seen;
    const auto watch = DirectoryWatch::create(*loop, directory, [&](const std::string& name) {
      seen.push_back(name);
      if (seen.size() == 3) loop->stop();
    });
    REQUIRE(watch);
    loop->after(std::chrono::milliseconds{5'000}, [&] { loop->stop(); });
    const Fd made = *create_new(directory / "a", Privacy::owner_only);
    REQUIRE(write_all(made.get(), as_bytes("x")));
    REQUIRE(rename_path(directory / "a", directory / "b"));
    REQUIRE(fs::remove(directory / "b"));
    REQUIRE(loop->run());
    CHECK(seen == std::vector<std::string>{"a", "b", "b"});
    REQUIRE(remove_tree(directory));
  }

  TEST_CASE("what is no directory cannot be watched")
  {
    const auto loop = *Loop::create();
    CHECK_FALSE(DirectoryWatch::create(*loop, "/proc/version", [](const std::string&) {}));
    CHECK_FALSE(DirectoryWatch::create(*loop, "/nowhere", [](const std::string&) {}));
  }
}

} // namespace dstack::sys
