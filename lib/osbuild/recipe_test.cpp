#include "osbuild/recipe.hpp"

#include "sys/files.hpp"

#include <doctest/doctest.h>

namespace dstack::osbuild {

namespace {

std::string recipe_file(const std::string& name)
{
  return *sys::read_text(DSTACK_SOURCE_DIR "/os/" + name, 1U << 20U);
}

} // namespace

TEST_SUITE("osbuild::recipe")
{
  TEST_CASE("the committed recipe is readable")
  {
    const auto rules = parse_rules(recipe_file("rootfs.rules"));
    REQUIRE(rules);
    CHECK(rules->takes("usr/sbin/dockerd"));
    CHECK_FALSE(rules->takes("usr/bin/ctr"));
    CHECK_FALSE(rules->takes("usr/share/doc/bash/copyright"));
    const auto modules = parse_modules_list(recipe_file("modules.list"));
    REQUIRE(modules);
    CHECK(modules->initramfs.front() == "virtio_blk");
    const auto cmdline = parse_cmdline(recipe_file("cmdline"));
    REQUIRE(cmdline);
    CHECK(cmdline->starts_with("console=ttyS0 init=/init panic=1 "));
    CHECK(parse_version(recipe_file("rootfs/etc/os-release")));
  }

  TEST_CASE("a drop line wins over a keep line, wherever it stands")
  {
    const Rules rules = *parse_rules("drop usr/bin/b*  because\nkeep usr/bin/*  also because\n");
    CHECK(rules.takes("usr/bin/a"));
    CHECK_FALSE(rules.takes("usr/bin/b"));
    CHECK_FALSE(rules.takes("usr/lib/a"));
  }

  TEST_CASE("wrong lines are refused by number")
  {
    for (const char* bad : {"keep", "dir a", "dir a 99", "dir /a 0755", "dir a/../b 0755",
                            "dir a 077777", "link a", "link a b c", "copy a b"}) {
      CAPTURE(bad);
      const auto rules = parse_rules(fmt::format("# comment\n\n{}\n", bad));
      REQUIRE_FALSE(rules);
      CHECK(rules.error().message().starts_with("line 3: "));
    }
    for (const char* bad : {"initramfs", "rootfs a b", "module a"})
      CHECK_FALSE(parse_modules_list(bad));
    CHECK_FALSE(parse_cmdline("# nothing\n"));
    CHECK_FALSE(parse_version("ID=dstack\n"));
  }
}

} // namespace dstack::osbuild
