#include "image/gpt.hpp"

#include "crypto/hash.hpp"
#include "image/crc32.hpp"

#include <doctest/doctest.h>

namespace dstack::image {

namespace {

constexpr std::uint64_t disk_sectors = 8 * 2048;

PartitionTable sample_table()
{
  Partition root;
  root.type = *parse_guid("0fc63daf-8483-4772-8e79-3d69d8477de4");
  root.id = *parse_guid("d5acc000-0000-4000-8000-000000000001");
  root.name = "dstack-rootfs";
  root.first_lba = 2048;
  root.last_lba = 6 * 2048 - 1;
  return {*parse_guid("d5acc000-0000-4000-8000-000000000000"), {root}};
}

} // namespace

TEST_SUITE("image::gpt")
{
  TEST_CASE("the checksum is the ISO 3309 one")
  {
    CHECK(crc32(as_bytes("123456789")) == 0xcbf43926U);
  }

  TEST_CASE("GUIDs are stored with their first groups turned round")
  {
    const Guid guid = *parse_guid("0fc63daf-8483-4772-8e79-3d69d8477de4");
    CHECK(hex(guid) == "af3dc60f838472478e793d69d8477de4");
    CHECK(format_guid(guid) == "0fc63daf-8483-4772-8e79-3d69d8477de4");
    for (const char* bad : {"", "0fc63daf84834772-8e79-3d69d8477de4--", "0fc63daf-8483-4772-8e79",
                            "0gc63daf-8483-4772-8e79-3d69d8477de4"})
      CHECK_FALSE(parse_guid(bad));
  }

  TEST_CASE("a table reads back as written")
  {
    const GptBytes bytes = *write_gpt(sample_table(), disk_sectors);
    CHECK(bytes.head.size() == gpt_head_sectors * sector_size);
    CHECK(bytes.tail.size() == gpt_tail_sectors * sector_size);
    const PartitionTable table = *parse_gpt(bytes.head, disk_sectors);
    CHECK(table.disk == sample_table().disk);
    REQUIRE(table.partitions.size() == 1);
    CHECK(table.partitions[0].name == "dstack-rootfs");
    CHECK(table.partitions[0].offset() == 1U << 20U);
    CHECK(table.partitions[0].size_bytes() == 5U << 20U);
  }

  TEST_CASE("any changed byte of header or entries is noticed")
  {
    const GptBytes bytes = *write_gpt(sample_table(), disk_sectors);
    for (std::size_t at = sector_size; at < sector_size + 92; ++at) {
      CAPTURE(at);
      Bytes bad = bytes.head;
      bad[at] ^= 1U;
      CHECK_FALSE(parse_gpt(bad, disk_sectors));
    }
    Bytes bad = bytes.head;
    bad.back() ^= 1U;
    CHECK_FALSE(parse_gpt(bad, disk_sectors));
    for (const std::size_t size : {std::size_t{0}, std::size_t{512}, bytes.head.size() - 1})
      CHECK_FALSE(parse_gpt(ByteView{bytes.head}.first(size), disk_sectors));
  }

  TEST_CASE("partitions outside the disk, overlapping, or over the tables are refused")
  {
    PartitionTable table = sample_table();
    table.partitions[0].last_lba = disk_sectors - gpt_tail_sectors;
    CHECK_FALSE(write_gpt(table, disk_sectors));
    table = sample_table();
    table.partitions[0].first_lba = gpt_head_sectors - 1;
    CHECK_FALSE(write_gpt(table, disk_sectors));
    table = sample_table();
    table.partitions.push_back(table.partitions[0]);
    CHECK_FALSE(write_gpt(table, disk_sectors));
    table = sample_table();
    table.partitions[0].name = std::string(37, 'x');
    CHECK_FALSE(write_gpt(table, disk_sectors));
    CHECK_FALSE(parse_gpt(write_gpt(sample_table(), disk_sectors)->head, 6 * 2048));
  }
}

} // namespace dstack::image
