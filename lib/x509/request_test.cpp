#include "x509/request.hpp"

#include "x509/certificate.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

namespace dstack::x509 {
namespace {

using Request = std::unique_ptr<X509_REQ, crypto::FreeWith<X509_REQ_free>>;

Result<Bytes> certificate(const std::vector<std::string>& names, const crypto::P256Key& key)
{
  CertificateSpec spec;
  spec.subject_cn = "a";
  spec.issuer_cn = "b";
  spec.serial = 0xff01;
  spec.not_after = 4'000'000'000;
  if (!names.empty()) spec.extensions.push_back({"2.5.29.17", *alt_names_value(names), false});
  return make_certificate(spec, key.spki_der(), key);
}

} // namespace

TEST_SUITE("x509::request")
{
  TEST_CASE("a request names its names, has no subject and is signed by its own key")
  {
    const auto key = crypto::P256Key::generate();
    const Bytes der = *make_request({"*.example.com", "example.com"}, key);
    const unsigned char* at = der.data();
    const Request read{d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()))};
    REQUIRE(read);
    CHECK(at == der.data() + der.size());
    CHECK(X509_REQ_verify(read.get(), key.get()) == 1);
    CHECK(X509_NAME_entry_count(X509_REQ_get_subject_name(read.get())) == 0);
    const std::string text = to_text(der);
    CHECK(text.find("*.example.com\x82\x0b"
                    "example.com") != std::string::npos);
  }

  TEST_CASE("names that are none are refused")
  {
    const auto key = crypto::P256Key::generate();
    for (const std::string& bad : {std::string{}, std::string{"a b"}, std::string{"a\0b", 3},
                                   std::string{"\xc3\xa4.example"}, std::string(256, 'a')})
      CHECK(!make_request({bad}, key));
    CHECK(!make_request({}, key));
    CHECK(!make_request(std::vector<std::string>(101, "a"), key));
  }

  TEST_CASE("the names of a certificate, and none")
  {
    const auto key = crypto::P256Key::generate();
    CHECK(*dns_names_of(*certificate({"*.example.com", "a"}, key)) ==
          std::vector<std::string>{"*.example.com", "a"});
    CHECK(dns_names_of(*certificate({}, key))->empty());
    Bytes cut = *certificate({"a"}, key);
    cut.pop_back();
    CHECK(!dns_names_of(cut));
    CHECK(!dns_names_of({}));
  }

  TEST_CASE("what a certificate is called when its renewal is asked for: the serial with its zero")
  {
    const auto key = crypto::P256Key::generate();
    const RenewalName name = *renewal_name_of(*certificate({"a"}, key));
    CHECK(hex(name.serial) == "00ff01");
    CHECK(name.authority_key_id.size() == 20);
  }
}

} // namespace dstack::x509
