#include "x509/certificate.hpp"
#include "x509/der.hpp"

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

  TEST_CASE("a chain verifies to its anchor, at its time, and nowhere else")
  {
    const auto root = crypto::P256Key::generate();
    const auto other = crypto::P256Key::generate();
    const auto leaf = crypto::P256Key::generate();
    const CertificateSpec ca{"root", "root", 1, 1000, 100'000, 1, {}};
    const auto anchor = make_certificate(ca, root.spki_der(), root);
    const auto forged = make_certificate(ca, other.spki_der(), other);
    const CertificateSpec end{"leaf", "root", 2, 1000, 50'000, {}, {{"1.2.3.4", {5, 0}, false}}};
    const auto certificate = make_certificate(end, leaf.spki_der(), root);
    REQUIRE(anchor);
    REQUIRE(certificate);
    CHECK(verify_chain({*certificate}, *anchor, 2000));
    CHECK(!verify_chain({*certificate}, *anchor, 60'000));
    CHECK(!verify_chain({*certificate}, *forged, 2000));
    CHECK(!verify_chain({}, *anchor, 2000));
    CHECK(*spki_of(*certificate) == leaf.spki_der());
    const auto both = from_pem(to_pem(*certificate) + to_pem(*anchor), 4);
    REQUIRE(both);
    CHECK((*both)[0] == *certificate);
    CHECK((*both)[1] == *anchor);
    CHECK(!from_pem("nothing", 4));
    CHECK(!from_pem(to_pem(*certificate) + to_pem(*anchor), 1));
    CHECK(subject_of(*certificate) == "/CN=leaf");
  }
}

} // namespace dstack::x509
