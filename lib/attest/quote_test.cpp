#include "attest/quote.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace dstack::attest {
namespace {

QuoteV4 sample()
{
  QuoteV4 quote;
  quote.header.qe_vendor_id = intel_qe_vendor_id;
  quote.body.mrtd.fill(0x11);
  quote.body.report_data.fill(0x22);
  quote.signed_part = encode(quote.header, quote.body);
  quote.signature.fill(0x33);
  quote.attestation_key.fill(0x44);
  quote.certification.auth_data = Bytes(32, 0x55);
  quote.certification.certification_data = to_bytes("PEM");
  return quote;
}

std::filesystem::path vectors()
{
  const char* place = std::getenv("DSTACK_VECTORS");
  return place != nullptr ? std::filesystem::path{place}
                          : std::filesystem::path{DSTACK_SOURCE_DIR} / "../shared/vectors";
}

} // namespace

TEST_SUITE("attest::quote")
{
  TEST_CASE("a quote reads back as it was written, and zero padding is allowed")
  {
    Bytes raw = encode(sample());
    CHECK(raw.size() == 48 + 584 + 4 + 64 + 64 + 6 + 384 + 64 + 2 + 32 + 6 + 3);
    const auto quote = parse_quote_v4(raw);
    REQUIRE(quote);
    CHECK(quote->body.mrtd == sample().body.mrtd);
    CHECK(encode(*quote) == raw);
    raw.resize(raw.size() + 10);
    CHECK(parse_quote_v4(raw));
    raw.back() = 1;
    CHECK(!parse_quote_v4(raw));
  }

  TEST_CASE("fields lie at the published offsets (spec guest 9)")
  {
    const Bytes raw = encode(sample());
    CHECK(raw[184] == 0x11);
    CHECK(raw[183] == 0);
    CHECK(raw[568] == 0x22);
    CHECK(raw[631] == 0x22);
  }

  TEST_CASE("every truncation and every lying length is refused")
  {
    const Bytes raw = encode(sample());
    for (std::size_t n = 0; n < raw.size(); ++n) {
      CAPTURE(n);
      CHECK(!parse_quote_v4(ByteView{raw}.first(n)));
    }
    for (const std::size_t at :
         {std::size_t{632}, std::size_t{766}, std::size_t{1218}, std::size_t{1254}}) {
      for (const std::uint8_t change : {std::uint8_t{1}, std::uint8_t{0xff}}) {
        Bytes lie = raw;
        lie[at] = static_cast<std::uint8_t>(lie[at] + change);
        CAPTURE(at);
        CHECK(!parse_quote_v4(lie));
      }
    }
    for (const std::size_t at : {std::size_t{0}, std::size_t{2}, std::size_t{4}}) {
      Bytes other = raw;
      other[at] ^= 0x40U;
      CHECK(parse_quote_v4(other).error().code() == Errc::unsupported);
    }
  }

  TEST_CASE("real quotes parse and write back byte for byte")
  {
    const auto folder = vectors() / "open/quotes";
    if (!std::filesystem::is_directory(folder)) {
      MESSAGE("not run: no real quotes at ", folder.string());
      return;
    }
    std::size_t seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
      if (entry.path().filename().string().find("tdx_v4") == std::string::npos) continue;
      std::ifstream file{entry.path(), std::ios::binary};
      const std::string text{std::istreambuf_iterator<char>{file}, {}};
      CAPTURE(entry.path().string());
      const auto quote = parse_quote_v4(as_bytes(text));
      REQUIRE(quote);
      const Bytes again = encode(*quote);
      CHECK(equal(again, as_bytes(text).first(again.size())));
      CHECK(qe_report_data(quote->attestation_key, quote->certification.auth_data) ==
            *report_data_of(quote->certification.qe_report));
      ++seen;
    }
    CHECK(seen > 0);
  }
}

} // namespace dstack::attest
