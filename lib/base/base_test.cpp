#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"

#include <doctest/doctest.h>

namespace dstack {
namespace {

Result<int> half(int n)
{
  if (n % 2 != 0) return fail(Errc::malformed, "{} is odd", n);
  return n / 2;
}

Result<int> quarter(int n)
{
  const int h = TRY(half(n).within("first half of {}", n));
  return TRY(half(h));
}

} // namespace

TEST_SUITE("base")
{
  TEST_CASE("TRY passes values on and returns errors with their context")
  {
    CHECK(*quarter(12) == 3);
    const auto bad = quarter(7);
    REQUIRE(!bad);
    CHECK(bad.error().code() == Errc::malformed);
    CHECK(bad.error().message() == "first half of 7: 7 is odd");
  }

  TEST_CASE("hex and base64 read back what they wrote and refuse everything else")
  {
    const Bytes data{0x00, 0x7f, 0x80, 0xff};
    CHECK(hex(data) == "007f80ff");
    CHECK(*parse_hex("007F80ff") == data);
    CHECK(!parse_hex("0"));
    CHECK(!parse_hex("zz"));
    for (const std::string_view text : {"", "f", "fo", "foo", "foob"})
      CHECK(*parse_base64(base64(as_bytes(text))) == to_bytes(text));
    CHECK(base64(as_bytes("fo")) == "Zm8=");
    for (const std::string_view bad :
         {"Zg", "Zg=", "Zh==", "Z===", "Zg==Zg==", "Z g=", "====", "Zg\n="})
      CHECK_MESSAGE(!parse_base64(bad), bad);
  }

  TEST_CASE("a reader never reads past the end")
  {
    const Bytes data{1, 2, 3, 4, 5, 6, 7, 8, 9};
    ByteReader in{data};
    CHECK(*in.u16le() == 0x0201);
    CHECK(*in.u32be() == 0x03040506);
    CHECK(!in.u32le());
    CHECK(in.remaining() == 3);
    CHECK(!in.finish());
    CHECK(in.rest().size() == 3);
    CHECK(in.finish());
    CHECK(!in.take(static_cast<std::size_t>(-1)));
  }

  TEST_CASE("sizes and durations accept what people type")
  {
    CHECK(*parse_size("512") == 512);
    CHECK(*parse_size("2G") == 2ULL << 30U);
    CHECK(*parse_size("1.5GiB") == 3ULL << 29U);
    CHECK(!parse_size("2X"));
    CHECK(!parse_size(""));
    CHECK(!parse_size("99999999T"));
    CHECK(format_size(3ULL << 29U) == "1.5G");
    CHECK(*parse_duration_ms("90") == 90'000);
    CHECK(*parse_duration_ms("250ms") == 250);
    CHECK(format_duration_ms(93'500) == "1m33s");
    CHECK(format_utc(Time{1'000'000'000'000}) == "2001-09-09T01:46:40Z");
  }

  TEST_CASE("guest output cannot steer the terminal")
  {
    CHECK(printable("a\x1b[31mb\r\nc") == "a?[31mb\nc");
    CHECK(printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
    CHECK(printable("\xff\xc2\x9b") == "??");
    CHECK(!is_utf8("\xed\xa0\x80"));
    CHECK(is_utf8("\xf0\x9f\x98\x80"));
  }

  TEST_CASE("a near miss finds the word that was meant")
  {
    CHECK(nearest("depoly", {"deploy", "ps", "logs"}) == "deploy");
    CHECK(!nearest("xyzzyx", {"deploy", "ps", "logs"}));
  }

  TEST_CASE("a moved-from secret is gone")
  {
    Secret<4> a{{1, 2, 3, 4}};
    const Secret<4> b{std::move(a)};
    CHECK(hex(b.view()) == "01020304");
    CHECK(hex(a.view()) == "00000000"); // NOLINT(bugprone-use-after-move): the point of the test
  }

  TEST_CASE("secret bytes grow, shrink and are copied without losing any")
  {
    SecretBytes a{as_bytes("abc")};
    for (int i = 0; i < 100; ++i)
      a.append(as_bytes("defg"));
    CHECK(a.size() == 403);
    CHECK(as_text(a.view()).starts_with("abcdefgdefg"));
    SecretBytes b = a;
    b.shrink(5);
    CHECK(as_text(b.view()) == "abcde");
    b.shrink(7);
    CHECK(b.size() == 5);
    a = std::move(b);
    CHECK(as_text(a.view()) == "abcde");
    CHECK(SecretBytes{3}.view().size() == 3);
    CHECK(SecretBytes{}.empty());
  }
}

} // namespace dstack
