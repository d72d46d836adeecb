#include "x509/app_certificate.hpp"

#include "crypto/hash.hpp"
#include "crypto/openssl_der.hpp"
#include "x509/der.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>
#include <openssl/x509v3.h>

namespace dstack::x509 {

namespace {

constexpr std::int64_t year_2030 = 1'893'456'000;

std::vector<std::string> oids_of(const Bytes& der)
{
  std::vector<std::string> out;
  const auto read = *read_certificate(der);
  for (const ReadExtension& one : read.extensions)
    out.push_back(one.oid);
  return out;
}

AppCertificateSpec leaf()
{
  AppCertificateSpec spec;
  spec.subject = {"", "app"};
  spec.issuer = {"Dstack", "Dstack App CA"};
  spec.not_after = year_2030;
  return spec;
}

std::string value(const Bytes& der, const char* oid)
{
  return hex(*read_certificate(der)->find(oid));
}

} // namespace

TEST_SUITE("x509::app_certificate")
{
  const auto key = *crypto::P256Key::from_scalar(crypto::sha256(as_bytes("k")));
  const auto ca = *crypto::P256Key::from_scalar(crypto::sha256(as_bytes("ca")));

  TEST_CASE("trap 14: a leaf has exactly the members of the profile (spec guest 12.2)")
  {
    AppCertificateSpec spec = leaf();
    const Bytes plain = *make_app_certificate(spec, key.spki_der(), ca);
    CHECK(oids_of(plain) == std::vector<std::string>{"2.5.29.15"});
    CHECK(value(plain, "2.5.29.15") == "03020780");
    const auto read = *read_certificate(plain);
    CHECK(read.not_before == default_not_before);
    CHECK(read.not_after == year_2030);

    spec.alt_names = {"localhost", "127.0.0.1", "::1"};
    spec.client_auth = true;
    spec.extensions = {{"1.3.6.1.4.1.62397.1.4", der::octet_string(as_bytes("x")), false}};
    const Bytes full = *make_app_certificate(spec, key.spki_der(), ca);
    CHECK(oids_of(full) ==
          std::vector<std::string>{"2.5.29.17", "2.5.29.15", "2.5.29.37", "1.3.6.1.4.1.62397.1.4"});
    CHECK(value(full, "2.5.29.17") == "302382096c6f63616c686f737487047f0000018710"
                                      "00000000000000000000000000000001");
    CHECK(value(full, "2.5.29.37") == "300a06082b06010505070302");
  }

  TEST_CASE("the serial number is taken from the key and positive")
  {
    for (const char* seed : {"a", "b", "c", "d"}) {
      const auto one = *crypto::P256Key::from_scalar(crypto::sha256(as_bytes(seed)));
      const Bytes der = *make_app_certificate(leaf(), one.spki_der(), ca);
      const auto read = *crypto::certificate_of_der(der);
      const crypto::Bn number{ASN1_INTEGER_to_BN(X509_get0_serialNumber(read.get()), nullptr)};
      auto expected = crypto::sha256(ByteView{one.spki_der()}.last(65));
      expected[0] &= 0x7fU;
      std::array<std::uint8_t, 20> got{};
      REQUIRE(BN_bn2binpad(number.get(), got.data(), 20) == 20);
      CHECK(hex(got) == hex(ByteView{expected}.first(20)));
      CHECK(BN_is_negative(number.get()) == 0);
    }
  }

  TEST_CASE("an authority, and the chain OpenSSL builds from it")
  {
    AppCertificateSpec root;
    root.subject = root.issuer = {"Dstack", "Dstack App CA"};
    root.ca_path_length = 1;
    root.not_after = year_2030;
    const Bytes authority = *make_app_certificate(root, ca.spki_der(), ca);
    CHECK(oids_of(authority) == std::vector<std::string>{"2.5.29.15", "2.5.29.19", "2.5.29.14"});
    CHECK(value(authority, "2.5.29.15") == "03020186");
    CHECK(value(authority, "2.5.29.19") == "30060101ff020101");
    CHECK(value(authority, "2.5.29.14") ==
          "0414" + hex(ByteView{crypto::sha256(ca.spki_der())}.first(20)));

    AppCertificateSpec spec = leaf();
    spec.server_auth = true;
    const Bytes below = *make_app_certificate(spec, key.spki_der(), ca);
    const auto top = *crypto::certificate_of_der(authority);
    const auto bottom = *crypto::certificate_of_der(below);
    CHECK(X509_check_issued(top.get(), bottom.get()) == X509_V_OK);
    CHECK(X509_verify(bottom.get(), ca.get()) == 1);
  }

  TEST_CASE("what cannot be written is refused")
  {
    const auto refused = [&](auto change) {
      AppCertificateSpec spec = leaf();
      change(spec);
      const auto made = make_app_certificate(spec, key.spki_der(), ca);
      return !made && made.error().code() == Errc::malformed;
    };
    CHECK(refused([](auto& s) { s.not_after = s.not_before; }));
    CHECK(refused([](auto& s) { s.not_after = INT64_MAX; }));
    CHECK(refused([](auto& s) { s.alt_names = {"caf\xc3\xa9.example"}; }));
    CHECK(refused([](auto& s) { s.alt_names = {std::string(5000, 'a')}; }));
    CHECK(refused([](auto& s) { s.alt_names.assign(2000, "a"); }));
    CHECK(refused([](auto& s) { s.subject.common_name = std::string("a\0b", 3); }));
    CHECK(refused([](auto& s) { s.subject.common_name = "\xff"; }));
    CHECK_FALSE(refused([](auto& s) { s.subject.common_name = std::string(200, 'x'); }));
    CHECK_FALSE(refused([](auto& s) { s.subject.common_name = ""; }));
    CHECK_FALSE(make_app_certificate(leaf(), Bytes(91, 1), ca));
    CHECK_FALSE(make_app_certificate(leaf(), {}, ca));
  }
}

} // namespace dstack::x509
