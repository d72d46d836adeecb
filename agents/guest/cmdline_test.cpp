#include "guest/cmdline.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {

namespace {

const std::string hash(64, 'a');

Result<RootParameters> parameters(const std::string& text)
{
  return root_parameters(TRY(parse_cmdline(text)));
}

} // namespace

TEST_SUITE("guest::parse_cmdline")
{
  TEST_CASE("words, values and quotes are read as the kernel reads them")
  {
    const auto words = parse_cmdline("quiet console=ttyS0  note=\"a b\" x=1=2 initrd=initrd\n");
    REQUIRE(words);
    CHECK(words->at("quiet").empty());
    CHECK(words->at("console") == "ttyS0");
    CHECK(words->at("note") == "a b");
    CHECK(words->at("x") == "1=2");
    CHECK(words->size() == 5);
  }

  TEST_CASE("a dstack parameter given twice is refused, any other takes the last value")
  {
    CHECK_FALSE(parse_cmdline("dstack.rootfs_size=1 dstack.rootfs_size=2"));
    const auto words = parse_cmdline("console=a console=b");
    REQUIRE(words);
    CHECK(words->at("console") == "b");
  }

  TEST_CASE("an over-long line is refused")
  {
    CHECK_FALSE(parse_cmdline(std::string(10'000, 'x')));
  }
}

TEST_SUITE("guest::root_parameters")
{
  TEST_CASE("hash and size are read, the device has a default")
  {
    const auto root = parameters("dstack.rootfs_hash=" + hash + " dstack.rootfs_size=8192");
    REQUIRE(root);
    CHECK(hex(root->hash) == hash);
    CHECK(root->size_bytes == 8192);
    CHECK(partition_label(root->device) == "dstack-rootfs");
  }

  TEST_CASE("anything missing or malformed is refused and named")
  {
    const std::string good_hash = "dstack.rootfs_hash=" + hash;
    const std::pair<std::string, std::string_view> bad[] = {
        {"", "dstack.rootfs_hash is missing"},
        {"dstack.rootfs_size=8192", "dstack.rootfs_hash is missing"},
        {"dstack.rootfs_hash= dstack.rootfs_size=8192", "dstack.rootfs_hash is missing"},
        {"dstack.rootfs_hash=abcd dstack.rootfs_size=8192", "dstack.rootfs_hash"},
        {good_hash + "00 dstack.rootfs_size=8192", "dstack.rootfs_hash"},
        {good_hash, "dstack.rootfs_size is missing"},
        {good_hash + " dstack.rootfs_size=", "dstack.rootfs_size is missing"},
        {good_hash + " dstack.rootfs_size=0", "multiple of 4096"},
        {good_hash + " dstack.rootfs_size=8193", "multiple of 4096"},
        {good_hash + " dstack.rootfs_size=-1", "dstack.rootfs_size"},
        {good_hash + " dstack.rootfs_size=99999999999999999999", "dstack.rootfs_size"},
        {good_hash + " dstack.rootfs_size=8192 dstack.rootfs_device=vda", "dstack.rootfs_device"},
    };
    for (const auto& [text, why] : bad) {
      CAPTURE(text);
      const auto root = parameters(text);
      REQUIRE_FALSE(root);
      CHECK(root.error().message().find(why) != std::string::npos);
    }
  }

  TEST_CASE("a measured device name is taken")
  {
    const auto root = parameters("dstack.rootfs_hash=" + hash +
                                 " dstack.rootfs_size=4096 dstack.rootfs_device=/dev/vda");
    REQUIRE(root);
    CHECK(root->device == "/dev/vda");
    CHECK(partition_label(root->device).empty());
  }
}

} // namespace dstack::guest
