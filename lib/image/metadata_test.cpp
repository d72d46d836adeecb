#include "image/metadata.hpp"

#include <doctest/doctest.h>

namespace dstack::image {

namespace {

Metadata sample_metadata()
{
  Metadata out;
  out.bios = "ovmf.fd";
  out.kernel = "bzImage";
  out.cmdline = "console=ttyS0";
  out.initrd = "initramfs.cpio";
  out.rootfs = "rootfs.img.parted.verity";
  out.version = "0.6.0";
  out.ovmf_variant = "pre202505";
  return out;
}

constexpr const char* zeros = "0000000000000000000000000000000000000000000000000000000000000000";

} // namespace

TEST_SUITE("image::metadata")
{
  TEST_CASE("keys come in the published order with four blanks of indent")
  {
    CHECK(write_metadata(sample_metadata()) == R"({
    "bios": "ovmf.fd",
    "kernel": "bzImage",
    "cmdline": "console=ttyS0",
    "initrd": "initramfs.cpio",
    "rootfs": "rootfs.img.parted.verity",
    "version": "0.6.0",
    "git_revision": "",
    "shared_ro": true,
    "is_dev": false,
    "ovmf_variant": "pre202505"
}
)");
    CHECK(*parse_metadata(write_metadata(sample_metadata()), "x") == sample_metadata());
  }

  TEST_CASE("a missing version is taken from the directory")
  {
    const std::string text = R"({"bios":"b","kernel":"k","cmdline":"","initrd":"i","rootfs":"r"})";
    CHECK(parse_metadata(text, "dstack-dev-0.5.3")->version == "0.5.3");
    CHECK_FALSE(parse_metadata(text, "x")->shared_ro);
  }

  TEST_CASE("files outside the directory, missing keys and other JSON are refused")
  {
    for (const char* bad :
         {"", "[]", "{}", R"({"bios":"../b","kernel":"k","cmdline":"","initrd":"i","rootfs":"r"})",
          R"({"bios":"/b","kernel":"k","cmdline":"","initrd":"i","rootfs":"r"})",
          R"({"bios":"b","kernel":"k","cmdline":"","initrd":"i"})",
          R"({"bios":"b","kernel":"k","cmdline":7,"initrd":"i","rootfs":"r"})",
          R"({"bios":"b","kernel":"k","cmdline":"","initrd":"i","rootfs":"r","is_dev":1})"})
      CHECK_FALSE(parse_metadata(bad, "x"));
  }
}

TEST_SUITE("image::manifest")
{
  TEST_CASE("the published example hashes to the published image hash")
  {
    const std::string text =
        "8c9e955f0b577cc8945a891a34ccfa5b8e08bb5e5d249992603e64dd14870e3c  measurement.tdx.cbor\n";
    const auto files = parse_manifest(text);
    REQUIRE(files);
    CHECK(files->front().name == "measurement.tdx.cbor");
    CHECK(write_manifest(*files) == text);
    CHECK(image_hash(text) == "e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db");
  }

  TEST_CASE("anything but plain lines is refused")
  {
    const std::string good = fmt::format("{}  a\n", zeros);
    REQUIRE(parse_manifest(good));
    CHECK_FALSE(parse_manifest(""));
    CHECK_FALSE(parse_manifest(good.substr(0, good.size() - 1)));
    CHECK_FALSE(parse_manifest(good + good));
    CHECK_FALSE(parse_manifest(good + "\n"));
    CHECK_FALSE(parse_manifest(fmt::format("{} *a\n", zeros)));
    CHECK_FALSE(parse_manifest(fmt::format("{}  ../a\n", zeros)));
    CHECK_FALSE(parse_manifest(fmt::format("{}  a/b\n", zeros)));
    CHECK_FALSE(parse_manifest(fmt::format("{}  \n", zeros)));
    CHECK_FALSE(parse_manifest(fmt::format("A{}  a\n", std::string_view{zeros}.substr(1))));
    CHECK_FALSE(parse_manifest(fmt::format("{}  {}\n", zeros, std::string(65, 'x'))));
  }
}

TEST_SUITE("image::root_parameters")
{
  TEST_CASE("hash and size are read from among other words")
  {
    const auto found = root_parameters(
        fmt::format("quiet dstack.rootfs_hash={} dstack.rootfs_size=8192 x", zeros));
    REQUIRE(found);
    CHECK(found->size_bytes == 8192);
  }

  TEST_CASE("missing, doubled and odd values are refused")
  {
    CHECK_FALSE(root_parameters(""));
    CHECK_FALSE(root_parameters(fmt::format("dstack.rootfs_hash={}", zeros)));
    CHECK_FALSE(root_parameters(fmt::format("dstack.rootfs_hash={0} dstack.rootfs_hash={0} "
                                            "dstack.rootfs_size=4096",
                                            zeros)));
    for (const char* size : {"0", "4095", "x", "-1", "99999999999999999999"})
      CHECK_FALSE(
          root_parameters(fmt::format("dstack.rootfs_hash={} dstack.rootfs_size={}", zeros, size)));
  }
}

} // namespace dstack::image
