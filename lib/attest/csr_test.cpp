#include "attest/csr.hpp"

#include "attest/attestation.hpp"
#include "attest/scale.hpp"
#include "crypto/p256.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {

namespace {

Csr full()
{
  Csr out;
  out.public_key = Bytes(91, 3);
  out.config.organisation = "Acme";
  out.config.subject = "app.example.com";
  out.config.alt_names = {"app.example.com", "10.0.0.7"};
  out.config.server_auth = out.config.client_auth = true;
  out.config.ext_quote = out.config.ext_app_info = true;
  out.config.not_before = 1'767'225'600;
  out.config.not_after = 1'798'761'600;
  out.attestation = Bytes(300, 9);
  return out;
}

} // namespace

TEST_SUITE("attest::csr")
{
  TEST_CASE("trap 12: the published bytes; the attestation is last and has no length")
  {
    Csr small; // spec guest 12.4
    small.public_key = {1, 2, 3};
    small.config.subject = "test.example.com";
    small.config.server_auth = true;
    small.attestation = Bytes(5 + 64 + 1); // V0 of nothing
    CHECK(hex(encode(small)) == "44706c65617365207369676e20636572743a"
                                "0c010203"
                                "00"
                                "40746573742e6578616d706c652e636f6d"
                                "00"
                                "01000000"
                                "0000" +
                                    std::string(140, '0'));
    const std::string text = hex(encode(full())); // spec kms 20.7
    CHECK(text.find("011041636d653c6170702e6578616d706c652e636f6d083c6170702e6578616d706c652e636f6d"
                    "2031302e302e302e37010101010100b95569000000000180ec366b00000000" +
                    hex(Bytes(300, 9))) != std::string::npos);
  }

  TEST_CASE("what is written is read back")
  {
    const auto read = parse_csr(encode(full()));
    REQUIRE(read);
    CHECK(encode(*read) == encode(full()));
    CHECK(read->config.organisation == "Acme");
    CHECK(read->config.alt_names.size() == 2);
    CHECK(read->attestation == Bytes(300, 9));
  }

  TEST_CASE("version 1 becomes what version 2 says: the quote, its report data, the log's events")
  {
    const auto key = crypto::P256Key::generate();
    Bytes quote(700, 0);
    quote[0] = 4;
    std::fill_n(quote.begin() + 568, 64, std::uint8_t{7});
    const RuntimeEvent event{"app-id", Bytes(20, 1)};
    const std::string log = codec::write_json(to_json(std::vector<TdxEvent>{to_tdx_event(event)}));
    const Bytes config = *parse_hex("003c6170702e6578616d706c652e636f6d043c6170702e6578616d706c652e"
                                    "636f6d010000"); // spec kms 20.7
    ScaleWriter out;
    out.text("please sign cert:").bytes(key.spki_der()).fixed(config).bytes(quote).text(log);
    const Bytes raw = out.take();
    const auto read = parse_csr_v1(raw);
    REQUIRE(read);
    CHECK(read->config.subject == "app.example.com");
    CHECK(read->config.alt_names == std::vector<std::string>{"app.example.com"});
    CHECK(read->config.server_auth);
    CHECK_FALSE(read->config.client_auth);
    CHECK_FALSE(read->config.ext_quote);
    CHECK_FALSE(read->config.not_after);
    const auto lifted = parse_attestation(read->attestation);
    REQUIRE(lifted);
    CHECK(lifted->quote == quote);
    CHECK(lifted->report_data[63] == 7);
    CHECK(lifted->runtime_events == std::vector{event});
    CHECK(check_csr_signature(raw, *read, key.sign_der(raw)));
    CHECK_FALSE(check_csr_signature(raw, *read, key.sign_der(quote)));
    for (std::size_t size = 0; size < raw.size(); ++size)
      CHECK_FALSE(parse_csr_v1(ByteView{raw}.first(size)));
    Bytes more = raw;
    more.push_back(0);
    CHECK_FALSE(parse_csr_v1(more));
  }

  TEST_CASE("a key that only ends like one of P-256 is none")
  {
    const auto key = crypto::P256Key::generate();
    Csr csr = full();
    csr.public_key = key.spki_der();
    CHECK(check_csr_signature(encode(csr), key.sign_der(encode(csr))));
    csr.public_key[5] ^= 1;
    CHECK(check_csr_signature(encode(csr), key.sign_der(encode(csr))).error().code() ==
          Errc::malformed);
  }

  TEST_CASE("other words, flags that are none, and every truncation")
  {
    const Bytes good = encode(full());
    Bytes other = good;
    other[5] ^= 1;
    CHECK(parse_csr(other).error().message() == "this is no request for a certificate");
    const std::size_t head = good.size() - 300;
    for (std::size_t size = 0; size < head; ++size)
      CHECK_FALSE(parse_csr(ByteView{good}.first(size)));
    CHECK(parse_csr(ByteView{good}.first(head))->attestation.empty());
    Bytes flag = good;
    flag[1 + 17 + 2 + 91] = 2; // the organisation's
    CHECK_FALSE(parse_csr(flag));
    CHECK_FALSE(parse_csr(Bytes((10 << 20) + 1)));
  }

  TEST_CASE("a request counts only with the signature of its own key")
  {
    const auto key = crypto::P256Key::generate();
    Csr csr = full();
    csr.public_key = key.spki_der();
    Bytes raw = encode(csr);
    const Bytes signature = key.sign_der(raw);
    CHECK(check_csr_signature(raw, signature));
    CHECK_FALSE(check_csr_signature(raw, crypto::P256Key::generate().sign_der(raw)));
    raw.back() ^= 1;
    CHECK(check_csr_signature(raw, signature).error().code() == Errc::untrusted);
    CHECK_FALSE(check_csr_signature(encode(full()), signature)); // no key at all
  }
}

} // namespace dstack::attest
