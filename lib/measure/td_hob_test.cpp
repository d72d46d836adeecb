#include "measure/td_hob.hpp"

#include "measure/machine_layout.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

/// Of the published firmware (spec host 5.4).
TdHobLayout published_layout()
{
  return {0x809000,
          {{0x800000, 0x6000}, {0x809000, 0x2000}, {0x80b000, 0x2000}, {0x810000, 0x10000}}};
}

std::string hob_digest(std::uint64_t memory)
{
  return hex(crypto::sha384(*td_hob(published_layout(), memory)));
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("the TD HOB of every published memory size (spec host 5.4)")
  {
    CHECK(hob_digest(gib) == "1055c9b9a1fc534e688560e2304e18c8597b7261818cf61f"
                             "b163d40c130547309b750575947a4dcaedbdce4b8d0535f2");
    CHECK(hob_digest(2 * gib) == "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe491"
                                 "7ea2c45c64f323fdacbb37948f821ebaf8bc9c938ba8a749");
    CHECK(hob_digest(4 * gib) == "5b684faf8d02a733945f821d9cdd170802e72103977acf66"
                                 "949c9382500283adc90cbec57f8e7653f8bee1cab83689de");
    CHECK(hob_digest(8 * gib) == "2e070cda358b5aa00f27cca25c47381bb564f4be3a84d059"
                                 "805a73cbbde764ed8341f7e09915b5e7b370f9c08a743fbd");
    CHECK(hob_digest(64 * gib) == "8ae1e425351df7992c444586eff99d35af3b779aa2b0e981"
                                  "cb4b73bc5b279f2ade19b6a62a203fc3c3bbdaae80af596d");
  }

  TEST_CASE("the bytes of the list (spec host C.1)")
  {
    const Bytes two = *td_hob(published_layout(), 2 * gib);
    CHECK(two.size() == 440);
    CHECK(hex(ByteView{two}.first(56)) ==
          "01003800000000000900000000000000" + std::string(64, '0') + "c091800000000000");
    const auto range = [](const Bytes& list, std::size_t at) {
      ByteReader in{ByteView{list}.subspan(56 + 48 * at, 48)};
      CHECK(hex(*in.take(24)) == "0300300000000000" + std::string(32, '0'));
      const std::uint32_t type = *in.u32le();
      CHECK(*in.u32le() == 7);
      const std::uint64_t start = *in.u64le();
      return fmt::format("{} {:x} {:x}", type, start, *in.u64le());
    };
    const std::vector<std::string> want{"7 0 800000",     "0 800000 6000",    "7 806000 3000",
                                        "0 809000 2000",  "0 80b000 2000",    "7 80d000 3000",
                                        "0 810000 10000", "7 820000 7f7e0000"};
    for (std::size_t i = 0; i < want.size(); ++i)
      CHECK(range(two, i) == want[i]);
    const Bytes four = *td_hob(published_layout(), 4 * gib);
    CHECK(four.size() == 488);
    CHECK(hex(ByteView{four}.subspan(48, 8)) == "f091800000000000");
    CHECK(range(four, 7) == want[7]);
    CHECK(range(four, 8) == "7 100000000 80000000");
  }

  TEST_CASE("the witness of the published firmware, both ways")
  {
    const Bytes witness = *parse_hex("80100904000609020b021010");
    CHECK(write_witness(published_layout()) == witness);
    const auto layout = parse_witness(witness);
    REQUIRE(layout);
    CHECK(*layout == published_layout());
    for (std::size_t n = 0; n < witness.size(); ++n)
      CHECK(!parse_witness(ByteView{witness}.first(n)));
    const auto refusal = [](std::string_view text) {
      const auto parsed = parse_witness(*parse_hex(text));
      return parsed ? std::string{"accepted"} : parsed.error().message();
    };
    CHECK(refusal("80100904000609020b02101000").starts_with("TD HOB witness: "));
    CHECK(refusal("801009c100") == "TD HOB witness: count: number longer than it need be");
    CHECK(refusal("80100941") == "TD HOB witness: 65 ranges (want 1 to 64)");
    CHECK(refusal("80100900") == "TD HOB witness: 0 ranges (want 1 to 64)");
    CHECK(refusal("80100902000600ff01") == "TD HOB witness: memory ranges overlap at 0x800000");
    CHECK(refusal("ffffffffffffffffff02") == "TD HOB witness: base: number beyond 64 bits");
    CHECK(refusal("ffffffffffffffffff01") ==
          "TD HOB witness: base: 18446744073709551615 pages out of bounds");
  }

  TEST_CASE("the layout comes from the firmware's sections, in any order")
  {
    std::vector<TdvfSection> sections(5);
    const TdHobLayout want = published_layout();
    for (std::size_t i = 0; i < 4; ++i) {
      const MemoryRange& range = want.accepted[3 - i];
      sections[i + 1].memory_address = range.start;
      sections[i + 1].memory_size = range.size;
      sections[i + 1].type = range.start == want.hob_address ? 2 : 3;
    }
    CHECK(*td_hob_layout(sections) == want);
    sections[1].type = 2;
    CHECK(td_hob_layout(sections).error().message() == "firmware with two TD HOB sections");
    CHECK(td_hob_layout({}).error().message() == "firmware without a TD HOB section");
  }

  TEST_CASE("memory that does not reach beyond the firmware's own is refused")
  {
    CHECK(td_hob(published_layout(), 0x820000).error().code() == Errc::config);
    CHECK(td_hob(published_layout(), 0x821000));
    CHECK(td_hob(published_layout(), max_memory + 1).error().code() == Errc::config);
  }
}

} // namespace dstack::measure
