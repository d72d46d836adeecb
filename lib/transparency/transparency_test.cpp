#include "crypto/hash.hpp"
#include "crypto/p256.hpp"
#include "transparency/acme_info.hpp"
#include "transparency/check.hpp"
#include "x509/certificate.hpp"
#include "x509/request.hpp"

#include <doctest/doctest.h>

namespace dstack::transparency {
namespace {

Bytes certificate(const std::vector<std::string>& names, const crypto::P256Key& key)
{
  x509::CertificateSpec spec;
  spec.subject_cn = "leaf";
  spec.issuer_cn = "ca";
  spec.not_before = 1'700'000'000;
  spec.not_after = 1'800'000'000;
  if (!names.empty())
    spec.extensions.push_back({"2.5.29.17", *x509::alt_names_value(names), false});
  return *x509::make_certificate(spec, key.spki_der(), key);
}

} // namespace

TEST_SUITE("transparency")
{
  TEST_CASE("what a gateway publishes, with and without the older list of bare keys")
  {
    const auto got = parse_acme_info(
        R"({"account_uri":"https://ca/1","hist_keys":["00ff"],"quoted_hist_keys":)"
        R"([{"public_key":"0a0b","quote":"{}","attestation":""}],"account_quote":"q"})");
    REQUIRE(got);
    CHECK(got->account_uri == "https://ca/1");
    CHECK(got->account_quote == "q");
    REQUIRE(got->keys.size() == 1);
    CHECK(got->keys[0].spki == Bytes{0x0a, 0x0b});
    CHECK(got->keys[0].quote == "{}");
    const auto none = parse_acme_info(R"({"account_uri":"","quoted_hist_keys":null})");
    REQUIRE(none);
    CHECK(none->keys.empty());
    for (const char* text :
         {"", "[]", "{}", R"({"account_uri":1})", R"({"account_uri":"","quoted_hist_keys":{}})",
          R"({"account_uri":"","quoted_hist_keys":[{}]})",
          R"({"account_uri":"","quoted_hist_keys":[{"public_key":"0"}]})",
          R"({"account_uri":"","quoted_hist_keys":[{"public_key":""}]})"}) {
      CAPTURE(text);
      CHECK(!parse_acme_info(text));
    }
  }

  TEST_CASE("report data: the hash of a tag and what it vouches for")
  {
    const Bytes key{1, 2, 3};
    CHECK(key_report_data(key) == crypto::sha512(to_bytes("zt-cert:\1\2\3")));
    CHECK(account_report_data("https://ca/1") ==
          crypto::sha512(as_bytes("acme-account:https://ca/1")));
  }

  TEST_CASE("a search of the logs, newest first")
  {
    const auto got =
        parse_feed(R"([{"id":5,"name_value":"*.Example.org\nexample.org","serial_number":"0A",)"
                   R"("entry_timestamp":"2026-11-30T00:00:00"},{"id":9,"issuer_name":"x"}])");
    REQUIRE(got);
    REQUIRE(got->size() == 2);
    CHECK((*got)[0].id == 9);
    CHECK((*got)[1].logged_at == "2026-11-30T00:00:00");
    CHECK((*got)[1].names == std::vector<std::string>{"*.example.org", "example.org"});
    CHECK(parse_feed("[]")->empty());
    for (const char* text : {"", "{}", "[1]", R"([{"id":"5"}])", R"([{"name_value":"a"}])"}) {
      CAPTURE(text);
      CHECK(!parse_feed(text));
    }
  }

  TEST_CASE("names of a domain")
  {
    CHECK(is_of_domain("*.example.org", "example.org"));
    CHECK(is_of_domain("EXAMPLE.org", "example.ORG"));
    CHECK(is_of_domain("a.b.example.org", "example.org"));
    CHECK(!is_of_domain("badexample.org", "example.org"));
    CHECK(!is_of_domain("org", "example.org"));
  }

  TEST_CASE("certificates in files, and which of their keys are known")
  {
    const auto ours = crypto::P256Key::generate();
    const auto theirs = crypto::P256Key::generate();
    const Bytes good = certificate({"*.example.org"}, ours);
    const Bytes bad = certificate({"x.example.org"}, theirs);
    const std::string bundle = x509::to_pem(good) + x509::to_pem(bad) +
                               x509::to_pem(certificate({"*.example.net"}, theirs)) +
                               x509::to_pem(certificate({}, theirs));
    auto seen = read_seen("all.pem", as_bytes(bundle), "example.org");
    REQUIRE(seen);
    CHECK(seen->size() == 2);
    CHECK(read_seen("one.der", good, "example.org")->size() == 1);
    CHECK(!read_seen("x", as_bytes("nonsense"), "example.org"));
    CHECK(!read_seen("x", as_bytes(bundle + "-----BEGIN"), "example.org"));
    const Comparison got = compare(*std::move(seen), {key_hash(ours.spki_der())});
    REQUIRE(got.known.size() == 1);
    REQUIRE(got.unknown.size() == 1);
    CHECK(got.known[0].names == std::vector<std::string>{"*.example.org"});
    CHECK(got.unknown[0].source == "all.pem");
    CHECK(got.unknown[0].not_after == 1'800'000'000);
  }
}

} // namespace dstack::transparency
