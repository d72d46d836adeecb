#include "archive/layout.hpp"

#include "archive/bundle.hpp"
#include "crypto/hash.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>

namespace dstack::archive {
namespace {


std::string layout_outcome(const sys::TestDirectory& dir, const std::map<std::string, BundleEntry>& entries)
{
  REQUIRE(write_bundle(dir.path / "a.tar", entries));
  static_cast<void>(sys::remove_tree(dir.path / "out"));
  REQUIRE(sys::make_directories(dir.path / "out", sys::Privacy::owner_only));
  const sys::Fd fd = *sys::open_read(dir.path / "a.tar");
  const auto done = unpack_layout(fd.get(), dir.path / "out");
  return done ? "good" : done.error().message();
}

} // namespace

TEST_SUITE("archive::layout")
{
  TEST_CASE("what a layout is made of is unpacked, the rest passed over")
  {
    const sys::TestDirectory dir;
    const Bytes blob = to_bytes("blob");
    const std::string name = "blobs/sha256/" + hex(crypto::sha256(blob));
    CHECK(layout_outcome(dir, {{"index.json", {to_bytes("{}"), {}}},
                               {"oci-layout", {to_bytes("{}"), {}}},
                               {"manifest.json", {to_bytes("[]"), {}}},
                               {name, {blob, {}}}}) == "good");
    CHECK(*sys::read_file(dir.path / "out" / name, 100) == blob);
    CHECK(sys::fs::exists(dir.path / "out/index.json"));
    CHECK_FALSE(sys::fs::exists(dir.path / "out/manifest.json"));
  }

  TEST_CASE("blobs that lie and names that climb are refused")
  {
    const sys::TestDirectory dir;
    const std::string zeros = "blobs/sha256/" + std::string(64, '0');
    CHECK(layout_outcome(dir, {{zeros, {to_bytes("x"), {}}}}) ==
          "image archive: the bytes of '" + zeros + "' do not hash to its name");
    CHECK(layout_outcome(dir, {{"../index.json", {to_bytes("x"), {}}}}) ==
          "image archive: '../index.json' leaves the archive");
    CHECK(layout_outcome(dir, {{"/index.json", {to_bytes("x"), {}}}}) ==
          "image archive: '/index.json' leaves the archive");
    CHECK(layout_outcome(dir, {{"index.json", {Bytes((4U << 20U) + 1, 'x'), {}}}}) ==
          "image archive: 'index.json' has 4194305 bytes (limit 4194304)");
    REQUIRE(sys::write_file_atomic(dir.path / "b", to_bytes("no tar"), sys::Privacy::shared));
    const sys::Fd fd = *sys::open_read(dir.path / "b");
    CHECK_FALSE(unpack_layout(fd.get(), dir.path));
  }
}

} // namespace dstack::archive
