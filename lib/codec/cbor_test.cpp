#include "codec/cbor.hpp"

#include <doctest/doctest.h>

namespace dstack::codec {

namespace {

Result<std::uint64_t> number_of(std::string_view text)
{
  const Bytes raw = *parse_hex(text);
  CborReader in{raw};
  auto out = in.number();
  if (out) CHECK(in.finish());
  return out;
}

} // namespace

TEST_SUITE("codec::cbor")
{
  TEST_CASE("numbers are those of RFC 8949, appendix A, both ways")
  {
    const std::vector<std::pair<std::uint64_t, std::string>> samples{
        {0, "00"},
        {23, "17"},
        {24, "1818"},
        {100, "1864"},
        {255, "18ff"},
        {256, "190100"},
        {1000, "1903e8"},
        {65'535, "19ffff"},
        {65'536, "1a00010000"},
        {1'000'000, "1a000f4240"},
        {0xffff'ffff, "1affffffff"},
        {0x1'0000'0000, "1b0000000100000000"},
        {1'000'000'000'000, "1b000000e8d4a51000"},
        {18'446'744'073'709'551'615U, "1bffffffffffffffff"}};
    for (const auto& [value, text] : samples) {
      CAPTURE(value);
      CHECK(hex(CborWriter{}.number(value).take()) == text);
      CHECK(*number_of(text) == value);
    }
  }

  TEST_CASE("longer forms, other types and missing bytes are refused")
  {
    for (const char* text :
         {"1800", "1817", "190018", "1900ff", "1a0000ffff", "1b00000000ffffffff", // longer forms
          "1c", "1f", "20", "40", "60", "80", "a0", "f4", "fb0000000000000000",   // other types
          "", "18", "19ff", "1a000100", "1b00000001000000"}) {                     // too short
      CAPTURE(text);
      CHECK(number_of(text).error().code() == Errc::malformed);
    }
  }

  TEST_CASE("a map is read in the order and with the members it was written with")
  {
    CborWriter out;
    out.map(3).key("a").number(1).key("b").boolean(true).key("c").array(2).text("ü").bytes(
        Bytes{1, 2});
    const Bytes raw = out.take();
    CHECK(hex(raw) == "a361610161" "62f5" "616382" "62c3bc" "420102");
    const auto read = [&](std::string_view second, std::size_t members,
                          std::size_t items) -> Status {
      CborReader in{raw};
      TRY(in.map(members));
      TRY(in.key("a"));
      const std::uint64_t number = TRY(in.number());
      CHECK(number == 1);
      TRY(in.key(second));
      const bool boolean = TRY(in.boolean());
      CHECK(boolean);
      TRY(in.key("c"));
      const std::size_t count = TRY(in.array(items));
      CHECK(count == 2);
      const std::string text = TRY(in.text(2));
      CHECK(text == "ü");
      const auto bytes = TRY(in.array_of<2>());
      CHECK(bytes == std::array<std::uint8_t, 2>{1, 2});
      return in.finish();
    };
    CHECK(read("b", 3, 2));
    CHECK_FALSE(read("c", 3, 2));
    CHECK_FALSE(read("b", 2, 2));
    CHECK_FALSE(read("b", 3, 1));
  }

  TEST_CASE("strings are bounded, of the stated size, and text is UTF-8")
  {
    const auto text = [](std::string_view raw, std::size_t limit) {
      const Bytes data = *parse_hex(raw);
      return CborReader{data}.text(limit);
    };
    CHECK(*text("6161", 1) == "a");
    CHECK_FALSE(text("626161", 1));
    CHECK_FALSE(text("61ff", 1));
    CHECK_FALSE(text("7f6161ff", 10)); // indefinite length
    CHECK_FALSE(text("7bffffffffffffffff", 10));
    const Bytes two = *parse_hex("420102");
    CHECK_FALSE(CborReader{two}.array_of<3>());
    CHECK_FALSE(CborReader{two}.array_of<1>());
    CHECK_FALSE(CborReader{two}.bytes(1));
    CHECK(CborReader{two}.bytes(2)->size() == 2);
    const Bytes boolean = *parse_hex("f6");
    CHECK_FALSE(CborReader{boolean}.boolean());
  }
}

} // namespace dstack::codec
