#include "measure/boot_events.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

crypto::Sha384Digest digest(std::string_view text)
{
  return *parse_hex_array<48>(text);
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("the events that are the same for all (spec host 5.3, C.2, 5.6)")
  {
    Rtmr0Digests of;
    of.cfv = published_cfv_digest();
    const auto first = rtmr0_events(of);
    REQUIRE(first.size() == 13);
    const auto is = [](const BootEvent& event, std::string_view name, std::string_view value) {
      CHECK(event.name == name);
      CHECK(hex(event.digest) == value);
    };
    is(first[2], "SecureBoot",
       "9dc3a1f80bcec915391dcda5ffbb15e7419f77eab462bbf72b42166fb70d50325e37b36f93537a863769bcf9be"
       "dae6fb");
    is(first[3], "PK",
       "6f2e3cbc14f9def86980f5f66fd85e99d63e69a73014ed8a5633ce56eca5b64b692108c56110e22acadcef58c3"
       "250f1b");
    is(first[4], "KEK",
       "d607c0efb41c0d757d69bca0615c3a9ac0b1db06c557d992e906c6b7dee40e0e031640c7bfd7bcd35844ef9ede"
       "adc6f9");
    is(first[5], "db",
       "08a74f8963b337acb6c93682f934496373679dd26af1089cb4eaf0c30cf260a12e814856385ab8843e56a9acea"
       "19e127");
    is(first[6], "dbx",
       "18cc6e01f0c6ea99aa23f8a280423e94ad81d96d0aeb5180504fc0f7a40cb3619dd39bd6a95ec1680a86ed6ab0"
       "f9828d");
    is(first[7], "separator",
       "394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad9f"
       "1289f0");
    is(first[11], "BootOrder",
       "1dd6f7b457ad880d840d41c961283bab688e94e4b59359ea45686581e90feccea3c624b1226113f824f315eb60"
       "ae0a7c");
    is(first[12], "Boot0000",
       "23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28eacf7047ae6e967c58fd2a98bfa"
       "74c298");
    const auto second = rtmr1_events({});
    REQUIRE(second.size() == 5);
    is(second[1], "boot-application",
       "77a0dab2312b4e1e57a84d865a21e5b2ee8d677a21012ada819d0a98988078d3d740f6346bfe0abaa938ca2043"
       "9a8d71");
    is(second[3], "exit-boot-services",
       "214b0bef1379756011344877743fdc2a5382bac6e70362d624ccf3f654407c1b4badf7d8f9295dd3dabdef65b2"
       "7677e0");
    is(second[4], "exit-returned",
       "0a2e01c85deae718a530ad8c6d20a84009babe6c8989269e950d8cf440c6e997695e64d455c4174a652cd080f6"
       "230b74");
  }

  TEST_CASE("they replay to the registers of a real quote (spec host 5.11, T1)")
  {
    Rtmr0Digests of;
    of.td_hob = digest("0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fdacbb3794"
                       "8f821ebaf8bc9c938ba8a749");
    of.cfv = published_cfv_digest();
    of.acpi_loader = digest("095d04cf26fe03aef6e3561fa24c1aa1cea93f4aeaf563b1f9f7616184c53454875925"
                            "759434769cec2490acb563a337");
    of.acpi_rsdp = digest("8d9a4d4777a1bc77ecd9d8d37a4628129a80052a510320159a20a923bd07a0e90d8d1f2e"
                          "1ebf088992b25f0d0fa672ef");
    of.acpi_tables = digest("3070721e169bc41884724cb0e6b3082e1baf249083d8b389181ba50b9afa951057876c"
                            "380b8870e8c2facf2eff67a2b6");
    CHECK(hex(replay(rtmr0_events(of))) ==
          "f8438db36b96f85d8752ff7f24a89ec05c79ec9eda2ba732"
          "c897fb970ca429365b7471b1c054cb84f17b1c2b23ba6640");
    CHECK(hex(replay(rtmr1_events(digest(
              "ac7e632dcf5cd2a1fe5c1f41f4d9b8219570e64ed3c61038fdbf25404e6f542ffd57f276bc5076307e"
              "faf882e6d64177")))) == "2023546e7f3b9d1228e274f70c44d481162540f8452544520a796a52f06"
                                      "879709b81a824a26792a7822327504b0d2aee");
    CHECK(hex(replay(rtmr2_events(
              digest("786280842b7364287a3a70d96f7e309252857beb45fb1f91314a2ea863db0adc04c8431ecbf2"
                     "9a966405604631a5aab8"),
              digest("4fe4f7710134a61d7def357add6ac50bdbfeee5032a4c100375e207216ffe42a3bd5822b24e6"
                     "79f91501fff795b81521")))) ==
          "4c1b739ed451a637b0f82642e48a5ea83925d23633c72e73"
          "85c8e9aca4175e133ed1625b7d92eb39edf509c27ff392dc");
  }

  TEST_CASE("the configuration volume is hashed where the firmware has it")
  {
    const Bytes firmware(0x3000, 0x5a);
    std::vector<TdvfSection> sections(2);
    sections[1] = {0x1000, 0x2000, 0, 0x2000, 1, 0};
    CHECK(*cfv_digest(firmware, sections) == crypto::sha384(Bytes(0x2000, 0x5a)));
    sections[1].data_offset = 0x1001;
    CHECK(cfv_digest(firmware, sections).error().code() == Errc::malformed);
    sections[1].type = 0;
    CHECK(cfv_digest(firmware, sections).error().code() == Errc::unsupported);
  }

  TEST_CASE("firmware of another layout is refused by its name")
  {
    CHECK(check_ovmf_variant(""));
    CHECK(check_ovmf_variant("pre202505"));
    CHECK(check_ovmf_variant("stable202505").error().code() == Errc::unsupported);
  }
}

} // namespace dstack::measure
