#include "guest/verity_table.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {

namespace {

/// A superblock as `veritysetup format --salt 00…` writes it for 100 data blocks (the layout is
/// compared with a real one when the OS image is verified).
Bytes superblock()
{
  ByteWriter out;
  out.text(std::string_view{"verity\0\0", 8}).u32le(1).u32le(1).zeros(16);
  out.text("sha256").zeros(26).u32le(4096).u32le(4096).u64le(100);
  out.u16le(32).zeros(6).zeros(256).zeros(168);
  return out.take();
}

Bytes superblock_with(std::size_t at, std::uint8_t value)
{
  Bytes out = superblock();
  out.at(at) = value;
  return out;
}

constexpr std::uint64_t data_size = 100 * 4096;

} // namespace

TEST_SUITE("guest::parse_verity_superblock")
{
  TEST_CASE("the table names device, blocks, root hash and salt")
  {
    REQUIRE(superblock().size() == verity_superblock_size);
    const auto parsed = parse_verity_superblock(superblock(), data_size);
    REQUIRE(parsed);
    const Bytes root(32, 0xab);
    const std::string table = verity_table(*parsed, "254:1", root);
    CHECK(table == "1 254:1 254:1 4096 4096 100 101 sha256 " + hex(root) + " " +
                       std::string(64, '0') + " 1 panic_on_corruption");
  }

  TEST_CASE("an empty salt is a dash")
  {
    const auto parsed = parse_verity_superblock(superblock_with(80, 0), data_size);
    REQUIRE(parsed);
    CHECK(verity_table(*parsed, "1:2", Bytes(32)).find(" - 1 panic") != std::string::npos);
  }

  TEST_CASE("every truncation before the end of the salt is refused")
  {
    const Bytes good = superblock();
    for (std::size_t n = 0; n < 344; ++n) {
      CAPTURE(n);
      CHECK_FALSE(parse_verity_superblock(ByteView{good}.first(n), data_size));
    }
  }

  TEST_CASE("one wrong value per check is refused")
  {
    for (const std::size_t at : {0U, 8U, 12U, 32U, 50U, 64U, 68U, 72U, 81U}) {
      CAPTURE(at);
      CHECK_FALSE(parse_verity_superblock(superblock_with(at, 9), data_size));
    }
    CHECK_FALSE(parse_verity_superblock(superblock(), data_size + 4096));
  }
}

} // namespace dstack::guest
