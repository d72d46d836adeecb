#include "attest/aggregates.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {

TEST_SUITE("attest::aggregates")
{
  TEST_CASE("aggregates of GCP, Nitro enclaves and NitroTPM are those of the specification")
  {
    // spec kms 20.6
    const auto filled = [](std::uint8_t byte) {
      Pcr48 out{};
      out.fill(byte);
      return out;
    };
    const auto pcr14 = replay_sha256({{"system-preparing", {}},
                                      {"app-id", Bytes(20, 0xa1)},
                                      {"compose-hash", Bytes(32, 0xc1)},
                                      {"instance-id", Bytes(20, 0xb2)},
                                      {"boot-mr-done", {}},
                                      {"os-image-hash", Bytes(32, 0xf1)},
                                      {"key-provider", to_bytes(R"({"name":"kms","id":"aabb"})")},
                                      {"storage-fs", to_bytes("zfs")},
                                      {"system-ready", {}}});
    CHECK(hex(pcr14) == "1168194349d52a1bb4871fed00cbd2b30d2be069799ddbf70ae0bd6b6c759471");
    CHECK(hex(gcp_aggregates(Bytes(32, 0xf1), {}, {}, pcr14, {}).mr_system) ==
          "7f87e1cd79220bfb304ce9248d47c3ffda0d891ae894af37813250ce210a2373");
    const auto nitro = nitro_enclave_aggregates(filled(0x11), filled(0x12), filled(0x13));
    CHECK(hex(nitro.mr_aggregated) ==
          "35d6124430d1b433d64c075f62d0d574f68e47793ab5b9e90625e3e52f504469");
    CHECK(nitro.mr_system == nitro.mr_aggregated);
    CHECK(hex(aws_aggregates(filled(4), filled(7), filled(0x0c), {}, {}).mr_system) ==
          "c905f2c08466b5adb79cae35786e2104b4f4926b15338f0d7a7f2ca5dda287a4");
    CHECK(hex(aws_boot_pcr_digest(filled(4), filled(7), filled(0x0c))) ==
          "834faa5f74ee98225fb6447e1faac0cf68edb5e3ec33e03cbcab9dc1030fdbb5");
  }

  TEST_CASE("the key provider and the last register change what they go into, and only that")
  {
    const Bytes provider = to_bytes("{}");
    const auto bare = gcp_aggregates(Bytes(32, 1), {}, {}, {}, {});
    const auto with = gcp_aggregates(Bytes(32, 1), {}, {}, {}, provider);
    CHECK(bare.mr_system != with.mr_system);
    CHECK(bare.mr_aggregated == with.mr_aggregated);
    Pcr48 pcr14{};
    pcr14.fill(9);
    const auto aws = aws_aggregates({}, {}, {}, {}, provider);
    const auto moved = aws_aggregates({}, {}, {}, pcr14, provider);
    CHECK(aws.mr_system == moved.mr_system);
    CHECK(aws.mr_aggregated != moved.mr_aggregated);
  }
}

} // namespace dstack::attest
