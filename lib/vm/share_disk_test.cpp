#include "vm/share_disk.hpp"

#include <doctest/doctest.h>

namespace dstack::vm {

namespace {

Bytes flat(const SparseDisk& disk)
{
  Bytes out(disk.size_bytes);
  for (const DiskExtent& extent : disk.extents)
    std::copy(extent.data.begin(), extent.data.end(),
              out.begin() + static_cast<std::ptrdiff_t>(extent.offset));
  return out;
}

std::vector<ShareFile> small_share()
{
  return {{".sys-config.json", to_bytes("{\"kms_urls\":[]}")},
          {"app-compose.json", to_bytes(std::string(1300, 'c'))},
          {".instance_info", {}}};
}

std::string refusal(std::vector<ShareFile> files)
{
  const auto disk = share_disk(files);
  return disk ? "accepted" : disk.error().message();
}

} // namespace

TEST_SUITE("vm::share_disk")
{
  TEST_CASE("the boot sector says FAT32 and the size is the smallest that is")
  {
    const auto disk = share_disk(small_share());
    REQUIRE(disk);
    CHECK(disk->size_bytes < (std::uint64_t{35} << 20U));
    const Bytes raw = flat(*disk);
    ByteReader in{ByteView{raw}.subspan(13)};
    CHECK(*in.u8() == 1); // sectors per cluster
    const unsigned reserved = *in.u16le();
    const unsigned copies = *in.u8();
    REQUIRE(in.take(15));
    const std::uint32_t total = *in.u32le();
    const std::uint32_t fat = *in.u32le();
    CHECK(std::uint64_t{total} * 512 == disk->size_bytes);
    CHECK(total - reserved - copies * fat >= 65525);
    CHECK(as_text(ByteView{raw}.subspan(71, 19)) == "DSTACKSHR  FAT32   ");
    CHECK(raw[510] == 0x55);
    CHECK(raw[511] == 0xaa);
    CHECK(equal(ByteView{raw}.first(1024), ByteView{raw}.subspan(6 * 512, 1024)));
  }

  TEST_CASE("the order of the files does not matter, their bytes are all that does")
  {
    auto files = small_share();
    const Bytes first = flat(*share_disk(files));
    std::swap(files[0], files[2]);
    CHECK(first == flat(*share_disk(files)));
    files[0].content.push_back(1);
    CHECK(first != flat(*share_disk(files)));
  }

  TEST_CASE("extents ascend without overlap and stay inside")
  {
    auto files = small_share();
    files[1].content.resize(std::size_t{40} << 20U, 7); // more than the smallest FAT32 holds
    const auto disk = share_disk(files);
    REQUIRE(disk);
    std::uint64_t end = 0;
    for (const DiskExtent& extent : disk->extents) {
      CHECK(extent.offset >= end);
      end = extent.offset + extent.data.size();
    }
    CHECK(end <= disk->size_bytes);
  }

  TEST_CASE("what the guest would not take is refused here")
  {
    auto files = small_share();
    files.push_back({"notes.txt", {}});
    CHECK(refusal(files).find("notes.txt") != std::string::npos);
    files = small_share();
    files.push_back(files[0]);
    CHECK(refusal(files).find("twice") != std::string::npos);
    files = small_share();
    files[0].content.resize(32 * 1024);
    CHECK(refusal(files) == "accepted");
    files[0].content.push_back(0);
    CHECK(refusal(files).find("at most 32768") != std::string::npos);
    CHECK(refusal({{"app-compose.json", {}}}).find(".sys-config.json is missing") !=
          std::string::npos);
    CHECK(refusal({{".sys-config.json", {}}}).find("app-compose.json is missing") !=
          std::string::npos);
  }
}

} // namespace dstack::vm
