#include "image/package_lock.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

namespace dstack::image {

namespace {

constexpr const char* digest = "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd";

std::string lock_with(std::string_view package)
{
  return fmt::format(
      "format 1\nepoch 1795399493\narchive debian http://deb.debian.org/debian\n{}\n", package);
}

std::string package_line(std::string_view path, std::string_view size)
{
  return fmt::format("package kernel,tools kmod 34.2-2 amd64 debian {} {} {}", path, size, digest);
}

} // namespace

TEST_SUITE("image::parse_package_lock")
{
  TEST_CASE("a package and what it belongs to")
  {
    const auto lock = parse_package_lock(lock_with(package_line("pool/k/kmod_34.deb", "95704")));
    REQUIRE(lock);
    CHECK(lock->epoch == 1795399493);
    REQUIRE(lock->packages.size() == 1);
    const LockedPackage& kmod = lock->packages.front();
    CHECK(kmod.has_role("tools"));
    CHECK_FALSE(kmod.has_role("rootfs"));
    CHECK(kmod.file_name() == "kmod_34.deb");
    CHECK(kmod.size_bytes == 95704);
    CHECK(hex(kmod.sha256) == digest);
  }

  TEST_CASE("the committed lock is readable and has every role")
  {
    std::ifstream file{DSTACK_SOURCE_DIR "/os/packages.lock"};
    std::stringstream text;
    text << file.rdbuf();
    const auto lock = parse_package_lock(text.str());
    REQUIRE(lock);
    for (const char* role : {"rootfs", "kernel", "firmware", "tools", "qemu-tdx"}) {
      CAPTURE(role);
      CHECK(std::any_of(lock->packages.begin(), lock->packages.end(),
                        [&](const LockedPackage& package) { return package.has_role(role); }));
    }
  }

  TEST_CASE("each kind of wrong line is refused by number")
  {
    const std::string good = package_line("p/a.deb", "1");
    REQUIRE(parse_package_lock(lock_with(good)));
    CHECK_FALSE(parse_package_lock(""));
    CHECK_FALSE(parse_package_lock(good));
    CHECK_FALSE(parse_package_lock(lock_with("")));
    CHECK_FALSE(parse_package_lock(lock_with("what is this")));
    CHECK_FALSE(parse_package_lock(lock_with(package_line("/p/a.deb", "1"))));
    CHECK_FALSE(parse_package_lock(lock_with(package_line("p/../a.deb", "1"))));
    CHECK_FALSE(parse_package_lock(lock_with(package_line("p/a.deb", "0"))));
    CHECK_FALSE(parse_package_lock(lock_with(package_line("p/a.deb", "-1"))));
    CHECK_FALSE(parse_package_lock(lock_with(good.substr(0, good.size() - 1))));
    CHECK_FALSE(parse_package_lock(lock_with(good + " more")));
    CHECK_FALSE(parse_package_lock(lock_with("format 2\n" + good)));
    CHECK_FALSE(parse_package_lock(lock_with("archive debian http://x\n" + good)));
    CHECK(parse_package_lock(lock_with("package")).error().message().starts_with("line 4: "));
  }
}

} // namespace dstack::image
