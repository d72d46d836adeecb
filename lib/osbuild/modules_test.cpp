#include "osbuild/modules.hpp"

#include <doctest/doctest.h>

namespace dstack::osbuild {

namespace {

constexpr const char* sample =
    "kernel/md/dm-verity.ko.xz: kernel/lib/reed.ko.xz kernel/md/dm-mod.ko.xz\n"
    "kernel/md/dm-mod.ko.xz:\n"
    "kernel/lib/reed.ko.xz:\n"
    "kernel/net/xt_mark.ko.xz: kernel/net/x_tables.ko.xz\n"
    "kernel/net/x_tables.ko.xz:\n"
    "kernel/fs/xfs.ko.xz:\n";

ModuleList list(std::vector<std::string> initramfs, std::vector<std::string> rootfs)
{
  return {std::move(initramfs), std::move(rootfs)};
}

} // namespace

TEST_SUITE("osbuild::modules")
{
  TEST_CASE("the load order puts what a module needs before it, as modprobe would")
  {
    const Modules modules = *parse_modules_dep(sample);
    CHECK(modules.at("dm_verity").path == "kernel/md/dm-verity.ko.xz");
    const auto chosen = select_modules(list({"dm-verity", "dm-mod"}, {"xt_*"}), modules);
    REQUIRE(chosen);
    CHECK(chosen->load_order == std::vector<std::string>{"dm_mod", "reed", "dm_verity"});
    CHECK(chosen->all ==
          std::vector<std::string>{"dm_mod", "dm_verity", "reed", "x_tables", "xt_mark"});
  }

  TEST_CASE("names and globs that match nothing are refused")
  {
    const Modules modules = *parse_modules_dep(sample);
    CHECK(select_modules(list({"ext4"}, {}), modules).error().code() == Errc::not_found);
    CHECK(select_modules(list({}, {"nft_*"}), modules).error().code() == Errc::not_found);
  }

  TEST_CASE("a dependency list that does not hold together is refused")
  {
    CHECK_FALSE(parse_modules_dep("no colon here\n"));
    CHECK_FALSE(parse_modules_dep("a.ko: b.ko\n"));
  }
}

} // namespace dstack::osbuild
