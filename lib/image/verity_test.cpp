#include "image/verity.hpp"

#include "crypto/hash.hpp"

#include <doctest/doctest.h>

namespace dstack::image {

namespace {

/// Block i is the byte pair (i low, i high) over and over.
Bytes sample_block(std::size_t i)
{
  Bytes out(verity_block_size);
  for (std::size_t at = 0; at < out.size(); ++at)
    out[at] = static_cast<std::uint8_t>(at % 2 == 0 ? i : i >> 8U);
  return out;
}

VerityTree sample_tree(std::size_t blocks)
{
  VerityBuilder builder{{}};
  for (std::size_t i = 0; i < blocks; ++i)
    REQUIRE(builder.add(sample_block(i)));
  auto tree = builder.finish();
  REQUIRE(tree);
  return *tree;
}

struct Golden {
  std::size_t blocks;
  std::size_t area_size;
  const char* root;
  const char* area_sha256;
};

// Made with `veritysetup format` 2.6.1: salt of 32 zero bytes, zero UUID, separate hash device.
constexpr Golden golden[] = {
    {1, 4096, "2e534ef0107d592d1706ac38ad58596b85ef3375d360a6d669f974792df5cb5a",
     "38369acb3def6df515ba26a2ca670baefd0b03e316ad8142333c8b8d347a9782"},
    {2, 8192, "7302d378e13ce90a802631f7af4ea70d2905fb196bb9736fd54fb9e09cd4132d",
     "812ad4fbab04bace38e38ed23135f7987d49153e180460c7fa2441a2eb15b271"},
    {128, 8192, "515a35e382e35868e089e5eb4b8a52bab8f8fd0c4938d3a67a16578963f0b31f",
     "ece2f7bf33405d05313d8384e4b32bab479a244dc3c3880a9c0d69f5c9d04407"},
    {129, 16384, "719e5e4a8606da4cd60f21527e2d1ba253869f67304ab2d0d0b953d3a9883862",
     "042ffaaf3b4ad69390fd7a354cb39d26f56092f4c191170153f7efcfcf38f6b3"},
    {16385, 544768, "710a6d5b3289c4143ee8edc7a370179c1b76e7ceb43760bd5a23c58698ef2446",
     "aad4d3f3d9e37e32da9e1cbae4ab232100536334bb86832fd2a9fee14e86cfc0"},
};

} // namespace

TEST_SUITE("image::VerityBuilder")
{
  TEST_CASE("trees of one to three levels are veritysetup's, byte for byte")
  {
    for (const Golden& want : golden) {
      CAPTURE(want.blocks);
      const VerityTree tree = sample_tree(want.blocks);
      CHECK(hex(tree.root) == want.root);
      CHECK(tree.area.size() == want.area_size);
      CHECK(hex(crypto::sha256(tree.area)) == want.area_sha256);
    }
  }

  TEST_CASE("blocks may come in pieces of any number of blocks")
  {
    VerityBuilder builder{{}};
    REQUIRE(builder.add(concat({sample_block(0), sample_block(1)})));
    CHECK(hex(builder.finish()->root) == golden[1].root);
  }

  TEST_CASE("salt and UUID are read back from the superblock, other formats refused")
  {
    VerityParameters parameters;
    parameters.salt.fill(7);
    parameters.uuid.fill(9);
    VerityBuilder builder{parameters};
    REQUIRE(builder.add(sample_block(0)));
    const Bytes area = builder.finish()->area;
    const auto read = parse_verity_superblock(area);
    REQUIRE(read);
    CHECK(read->salt == parameters.salt);
    CHECK(read->uuid == parameters.uuid);
    for (const std::size_t at : {0U, 8U, 12U, 32U, 64U, 68U, 80U}) {
      CAPTURE(at);
      Bytes bad = area;
      bad[at] ^= 1U;
      CHECK_FALSE(parse_verity_superblock(bad));
    }
    for (std::size_t size = 0; size < 120; ++size)
      CHECK_FALSE(parse_verity_superblock(ByteView{area}.first(size)));
  }

  TEST_CASE("no data, and part of a block, are refused")
  {
    VerityBuilder builder{{}};
    CHECK_FALSE(builder.finish());
    CHECK(builder.add(Bytes(verity_block_size - 1)).error().code() == Errc::malformed);
  }
}

} // namespace dstack::image
