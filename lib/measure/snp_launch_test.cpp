#include "measure/snp_launch.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <functional>

namespace dstack::measure {
namespace {

template <std::size_t N> std::array<std::uint8_t, N> filled(std::uint8_t byte)
{
  std::array<std::uint8_t, N> out{};
  out.fill(byte);
  return out;
}

/// Vector S1 of spec host 5.10: the image of a report that hardware signed.
SnpImage published_image()
{
  SnpImage out;
  out.cmdline = "console=ttyS0 init=/init panic=1 net.ifnames=0 biosdevname=0 mce=off oops=panic "
                "pci=noearly pci=nommconf random.trust_cpu=y random.trust_bootloader=n "
                "tsc=reliable no-kvmclock dstack.rootfs_hash="
                "ca5adaef0ac3a36108035925763b48a5818f634e700fbaab561d419fd30d7121 "
                "dstack.rootfs_size=490713088";
  out.firmware.digest = *parse_hex_array<48>("ffb57e393469a497c0e3b07bd1c97d8611e555f464d14491"
                                             "837665893ac642b263a71f9507ff100a847897fe0c3f8c6f");
  out.kernel =
      *parse_hex_array<32>("dd9ea274ce9a07090b22e8284b0c841b65c021c2d15ca57d0f16731089dd226c");
  out.initrd =
      *parse_hex_array<32>("5f844c4a2ca5a3d0711b3db38293b21ba929bb8e0b3c5bc1a779a57f69221c19");
  out.firmware.hash_table_address = 0x810c00;
  out.firmware.reset_eip = 8'433'668;
  out.firmware.sections = {{0x800000, 0x9000, 1},   {0x80a000, 0x3000, 1}, {0x80d000, 0x1000, 2},
                           {0x80e000, 0x1000, 3},   {0x80f000, 0x1000, 4}, {0x811000, 0xf000, 1},
                           {0x810000, 0x1000, 0x10}};
  return out;
}

const SnpShape two_cpus{2, "EPYC-v4", 1};

struct FirmwareParts {
  std::uint32_t hash_table = 0x801000;
  std::uint32_t version = 1;
  std::uint32_t count = 4; ///< as stated; four are there
  std::size_t size = 8192;
};

/// Made-up firmware: pages of a pattern, then S2's sections and the tables that lead to them.
Bytes made_snp_firmware(const FirmwareParts& parts = {})
{
  ByteWriter tail;
  tail.text("ASEV").u32le(16 + 48).u32le(parts.version).u32le(parts.count);
  tail.u32le(0x100000).u32le(0x2000).u32le(1).u32le(0x800000).u32le(0x1000).u32le(0x10);
  tail.u32le(0x810000).u32le(0x1000).u32le(2).u32le(0x820000).u32le(0x1000).u32le(3);
  const std::size_t metadata = tail.size();
  constexpr std::size_t entries = 22 + 22 + 26;
  tail.u32le(static_cast<std::uint32_t>(metadata + entries + 18 + 32)).u16le(22);
  tail.put(*parse_hex("666588dc4a989847a75e5585a7bf67cc"));
  tail.u32le(0xfffffff0).u16le(22).put(*parse_hex("de71f7007e1acb4f890e68c77e2fb44e"));
  tail.u32le(parts.hash_table).u32le(0x400).u16le(26);
  tail.put(*parse_hex("1f3755723b3a044b927b1da6efa8d454"));
  tail.u16le(entries + 18).put(*parse_hex("de82b596b21ff745baeaa366c55a082d")).zeros(32);
  ByteWriter out;
  while (out.size() + tail.size() < parts.size)
    out.u8(static_cast<std::uint8_t>(out.size() * 7));
  return out.put(tail.bytes()).take();
}

} // namespace

TEST_SUITE("measure::snp_launch")
{
  TEST_CASE("a report that hardware signed has the digest of its image (spec host 5.10, S1)")
  {
    CHECK(hex(*snp_launch_digest(published_image(), two_cpus)) ==
          "7f51e17f72a04d5422cb2c00998166536019a217376f3aa45a630e59c805a599847ff250dbffcd07e1ba6397"
          "71d6f05d");
  }

  TEST_CASE("made-up parts and a single page give the published digests (S2, S3)")
  {
    SnpImage image;
    image.cmdline = "console=ttyS0 dstack.rootfs_hash=" + hex(filled<32>(0x33));
    image.firmware.digest = filled<48>(0x44);
    image.kernel = filled<32>(0x55);
    image.initrd = filled<32>(0x66);
    image.firmware.hash_table_address = 0x801000;
    image.firmware.reset_eip = 0xfffffff0;
    image.firmware.sections = {{0x100000, 0x2000, 1},
                               {0x800000, 0x1000, 0x10},
                               {0x810000, 0x1000, 2},
                               {0x820000, 0x1000, 3}};
    const char* want = "88b48404819692fd2a5068f1a07bf1973bbcaa1314adc670"
                       "705f9388762a759faf889f8e2c71fe1ec892554415257960";
    CHECK(hex(*snp_launch_digest(image, two_cpus)) == want);
    image.cmdline = "  " + image.cmdline + "\n"; // trimmed before it is hashed
    CHECK(hex(*snp_launch_digest(image, two_cpus)) == want);
    SnpLaunch launch;
    launch.add(SnpLaunch::Page::normal, 0x1000, crypto::sha384(as_bytes("page")));
    CHECK(hex(launch.digest()) ==
          "3ebc1a70acc0bae5ae2788fae29a0371f983b19a68faf9843064f36040f58571ce5bb6bcdc9c361087073f8c"
          "ffd92635");
  }

  TEST_CASE("every input changes the digest")
  {
    const SnpImage image = published_image();
    std::vector<std::string> seen{hex(*snp_launch_digest(image, two_cpus))};
    const auto other = [&](const SnpImage& changed, const SnpShape& shape) {
      const std::string digest = hex(*snp_launch_digest(changed, shape));
      CHECK(std::find(seen.begin(), seen.end(), digest) == seen.end());
      seen.push_back(digest);
    };
    other(image, {1, "EPYC-v4", 1});
    other(image, {3, "EPYC-v4", 1});
    other(image, {2, "EPYC-Milan-v2", 1});
    const auto changed = [&](const std::function<void(SnpImage&)>& change) {
      SnpImage copy = image;
      change(copy);
      other(copy, two_cpus);
    };
    changed([](SnpImage& i) { i.cmdline += " x"; });
    changed([](SnpImage& i) { i.kernel[0] ^= 1U; });
    changed([](SnpImage& i) { i.initrd[0] ^= 1U; });
    changed([](SnpImage& i) { i.firmware.digest[0] ^= 1U; });
    changed([](SnpImage& i) { i.firmware.reset_eip ^= 0x10000U; });
    changed([](SnpImage& i) { i.firmware.hash_table_address ^= 0x100U; });
    changed([](SnpImage& i) { std::swap(i.firmware.sections[0], i.firmware.sections[1]); });
  }

  TEST_CASE("what could pass for another guest, or costs too much, is refused")
  {
    const SnpImage image = published_image();
    const auto code = [](const SnpImage& i, const SnpShape& shape) {
      const auto out = snp_launch_digest(i, shape);
      return out ? Errc::internal : out.error().code();
    };
    CHECK(code(image, {2, "EPYC-v4", 0x21}) == Errc::untrusted); // DebugSwap
    CHECK(code(image, {0, "EPYC-v4", 1}) == Errc::unsupported);
    CHECK(code(image, {513, "EPYC-v4", 1}) == Errc::unsupported);
    CHECK(code(image, {2, "Skylake-Server", 1}) == Errc::unsupported);
    CHECK(code(image, {2, "EPYC-vx", 1}) == Errc::unsupported);
    const auto changed = [&](const std::function<void(SnpImage&)>& change) {
      SnpImage copy = image;
      change(copy);
      return code(copy, two_cpus);
    };
    CHECK(changed([](SnpImage& i) { i.cmdline = "quiet"; }) == Errc::untrusted);
    CHECK(changed([](SnpImage& i) { i.cmdline += " dstack.rootfs_hash=00"; }) == Errc::untrusted);
    CHECK(changed([](SnpImage& i) { i.firmware.sections.pop_back(); }) == Errc::unsupported);
    CHECK(changed([](SnpImage& i) { i.firmware.sections[2].size = 0x2000; }) == Errc::malformed);
    CHECK(changed([](SnpImage& i) { i.firmware.sections[0].type = 9; }) == Errc::unsupported);
    CHECK(changed([](SnpImage& i) { i.firmware.sections[0].address += 1; }) == Errc::malformed);
    CHECK(changed([](SnpImage& i) { i.firmware.sections[0].address = ~0xfffULL; }) ==
          Errc::malformed);
    CHECK(changed([](SnpImage& i) { i.firmware.sections[0].size = 1ULL << 33U; }) ==
          Errc::malformed);
    CHECK(changed([](SnpImage& i) { i.firmware.sections.resize(65); }) == Errc::malformed);
    CHECK(changed([](SnpImage& i) { i.firmware.hash_table_address = 0x810fff; }) ==
          Errc::unsupported);
  }

  TEST_CASE("the CPU types of one family sign alike")
  {
    for (const char* name : {"EPYC", "EPYC-v1", "EPYC-v4", "EPYC-IBPB"})
      CHECK(*cpu_signature(name) == 0x800f12);
    CHECK(*cpu_signature("EPYC-Rome-v4") == 0x830f10);
    CHECK(*cpu_signature("EPYC-Milan") == 0xa00f11);
    CHECK(*cpu_signature("EPYC-Genoa-v2") == 0xa10f10);
  }

  TEST_CASE("firmware tells its sections, and its pages are measured below four gigabytes")
  {
    const Bytes file = made_snp_firmware();
    const auto found = snp_firmware(file);
    REQUIRE(found);
    CHECK(found->hash_table_address == 0x801000);
    CHECK(found->reset_eip == 0xfffffff0);
    REQUIRE(found->sections.size() == 4);
    CHECK(found->sections[1] == SnpSection{0x800000, 0x1000, 0x10});
    SnpLaunch launch;
    launch.add(SnpLaunch::Page::normal, 0xffffe000, crypto::sha384(ByteView{file}.first(4096)));
    launch.add(SnpLaunch::Page::normal, 0xfffff000, crypto::sha384(ByteView{file}.last(4096)));
    CHECK(found->digest == launch.digest());
  }

  TEST_CASE("firmware that takes no hashes, and tables that do not fit, are refused")
  {
    const auto code = [](const FirmwareParts& parts) {
      const auto out = snp_firmware(made_snp_firmware(parts));
      return out ? Errc::internal : out.error().code();
    };
    CHECK(code({0}) == Errc::unsupported);
    CHECK(code({0x801000, 2}) == Errc::unsupported);
    CHECK(code({0x801000, 1, 65}) == Errc::malformed);
    CHECK(code({0x801000, 1, 40}) == Errc::malformed);
    CHECK(code({0x801000, 1, 4, 8191}) == Errc::malformed);
    const Bytes good = made_snp_firmware();
    for (std::size_t n = 0; n < good.size(); n += 3)
      CHECK_FALSE(snp_firmware(ByteView{good}.first(n)));
  }
}

} // namespace dstack::measure
