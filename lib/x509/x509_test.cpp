#include "crypto/hash.hpp"
#include "crypto/p256_public.hpp"
#include "x509/certificate.hpp"
#include "x509/crl.hpp"
#include "x509/der.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

namespace dstack::x509 {

TEST_SUITE("x509")
{
  TEST_CASE("DER values are as X.690 writes them")
  {
    CHECK(hex(der::oid("1.2.840.113741.1.13.1")) == "06092a864886f84d010d01");
    CHECK(hex(der::integer(0)) == "020100");
    CHECK(hex(der::integer(128)) == "02020080");
    CHECK(hex(der::integer(65537)) == "0203010001");
    CHECK(hex(der::octet_string(Bytes{1, 2})) == "04020102");
    CHECK(der::tlv(4, Bytes(200, 0)).size() == 203);
    CHECK(der::tlv(4, Bytes(300, 0)).size() == 304);
  }

  TEST_CASE("a certificate of ours reads back as it was meant")
  {
    const auto root = crypto::P256Key::generate();
    const auto leaf = crypto::P256Key::generate();
    const CertificateSpec ca{"root", "root", 1, 1000, 100'000, 1, {}};
    const CertificateSpec end{"leaf", "root", 2, 1000, 50'000, {}, {{"1.2.3.4", {5, 0}, false}}};
    const auto anchor = make_certificate(ca, root.spki_der(), root);
    const auto certificate = make_certificate(end, leaf.spki_der(), root);
    REQUIRE(anchor);
    REQUIRE(certificate);
    const auto view = parse_p256_certificate(*certificate);
    const auto issuer = parse_p256_certificate(*anchor);
    REQUIRE(view);
    REQUIRE(issuer);
    CHECK(common_name(view->subject) == "leaf");
    CHECK(equal(view->issuer, issuer->subject));
    CHECK_FALSE(view->is_ca);
    CHECK(issuer->is_ca);
    CHECK(issuer->path_length == 1);
    CHECK(view->key_usage->digital_signature);
    CHECK(issuer->key_usage->crl_sign);
    CHECK(view->not_before == 1000);
    CHECK(view->not_after == 50'000);
    CHECK(equal(view->public_xy, leaf.public_xy()));
    const auto key = crypto::P256Public::from_xy(issuer->public_xy);
    REQUIRE(key);
    CHECK(key->verify_der(crypto::sha256(view->tbs), view->signature));
    const auto general = read_certificate(*certificate);
    REQUIRE(general);
    CHECK(general->spki == leaf.spki_der());
    CHECK(*general->find("1.2.3.4") == Bytes{5, 0});
    CHECK(general->not_after == 50'000);
    const auto outline = outline_certificate(*certificate);
    REQUIRE(outline);
    CHECK(outline->spki == general->spki);
    CHECK(outline->subject == general->subject);
    CHECK(outline->subject_der == general->subject_der);
    CHECK(outline->not_before == general->not_before);
    CHECK(outline->not_after == general->not_after);
    REQUIRE(outline->extensions.size() == general->extensions.size());
    for (std::size_t i = 0; i < outline->extensions.size(); ++i) {
      CHECK(outline->extensions[i].oid == general->extensions[i].oid);
      CHECK(outline->extensions[i].value == general->extensions[i].value);
    }
    for (std::size_t n = 0; n < certificate->size(); ++n)
      CHECK_FALSE(outline_certificate(ByteView{*certificate}.first(n)));
    for (std::size_t n = 0; n < certificate->size(); ++n)
      CHECK_FALSE(parse_p256_certificate(ByteView{*certificate}.first(n)));
  }

  TEST_CASE("a revocation list of ours reads back, and lists nothing")
  {
    const auto key = crypto::P256Key::generate();
    const auto list = make_crl({"root", 7, 1000, 2000}, key);
    REQUIRE(list);
    const auto view = parse_crl(*list);
    REQUIRE(view);
    CHECK(view->this_update == 1000);
    CHECK(view->next_update == 2000);
    CHECK(view->revoked.empty());
    for (std::size_t n = 0; n < list->size(); ++n)
      CHECK_FALSE(parse_crl(ByteView{*list}.first(n)));
  }

  TEST_CASE("PEM holds blocks and white space, nothing else")
  {
    const Bytes one(50, 1);
    const std::string pem = to_pem(one);
    CHECK(certificates_of_pem(pem + pem + "\n", 2)->size() == 2);
    CHECK(certificates_of_pem(pem + std::string(3, '\0'), 2)->size() == 1);
    CHECK_FALSE(certificates_of_pem(pem + pem, 1));
    CHECK_FALSE(certificates_of_pem(pem + "x", 2));
    CHECK_FALSE(certificates_of_pem("x" + pem, 2));
    CHECK_FALSE(certificates_of_pem("", 2));
    CHECK_FALSE(one_pem_block(pem, "X509 CRL"));
  }

  TEST_CASE("DER in other than its one form is refused")
  {
    const auto first = [](std::string_view text) {
      const Bytes raw = *parse_hex(text);
      return bool(DerReader{raw}.next());
    };
    CHECK(first("020101"));
    CHECK_FALSE(first("02810101")); // long form of a short length
    CHECK_FALSE(first("0280"));     // indefinite
    CHECK_FALSE(first("028500000000ff"));
    CHECK_FALSE(first("1f0101")); // tag of several bytes
    CHECK_FALSE(first("0203ff")); // cut off
    const auto number = [](std::string_view text) {
      const Bytes raw = *parse_hex(text);
      return bool(unsigned_magnitude(*read_one(raw, tag::integer)));
    };
    CHECK(number("020100"));
    CHECK_FALSE(number("0200"));
    CHECK_FALSE(number("0201ff")); // negative
    CHECK_FALSE(number("02020001"));
    const auto seconds = [](std::uint8_t kind, std::string_view text) {
      const Bytes raw = to_bytes(text);
      const auto time = time_value({kind, raw, raw});
      return time ? *time : -1;
    };
    CHECK(seconds(tag::utc_time, "491231235959Z") == 2'524'607'999);
    CHECK(seconds(tag::utc_time, "700101000000Z") == 0);
    CHECK(seconds(tag::generalized_time, "19700101000001Z") == 1);
    CHECK(seconds(tag::utc_time, "7001010000Z") == -1);
    CHECK(seconds(tag::utc_time, "700101000000+0000") == -1);
    CHECK(seconds(tag::utc_time, "700230000000Z") == -1);
    CHECK(seconds(tag::utc_time, "7001010000a0Z") == -1);
  }
}

} // namespace dstack::x509
