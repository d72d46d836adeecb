#include "gatewayclient/trust.hpp"

#include "kmsclient/test_kms.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewayclient {

using kmsclient::test::app_id;
using kmsclient::test::Kms;

TEST_SUITE("gatewayclient::check_gateway")
{
  const Kms kms;
  const auto key = kmsclient::test::p256_of("a gateway");
  const std::string id = hex(app_id());

  TEST_CASE("the app that the KMS names, however it is written")
  {
    const Bytes certificate = kms.chain(key.spki_der()).front();
    std::string upper = id;
    for (char& c : upper)
      c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    for (const std::string& named :
         {id, "0x" + id, upper, " " + id + "\n", std::string{"any"}, std::string{"ANY"}}) {
      CAPTURE(named);
      CHECK(check_gateway_id(named));
      CHECK(check_gateway(certificate, named));
    }
  }

  TEST_CASE("trap 17: another app's, one that is part of the name, and one of no app are refused")
  {
    const Bytes certificate = kms.chain(key.spki_der()).front();
    CHECK(check_gateway(certificate, std::string(40, 'b')).error().code() == Errc::untrusted);
    for (const char* named : {"", "none", "anybody"}) {
      CAPTURE(named);
      CHECK(check_gateway_id(named).error().code() == Errc::config);
      CHECK(check_gateway(certificate, named).error().code() == Errc::config);
    }
    CHECK_FALSE(check_gateway(certificate, id + id));
    CHECK_FALSE(check_gateway(certificate, id.substr(2)));
    // Empty and short ids are contained in any.
    auto spec = kmsclient::test::spec_of("gw", "Dstack App CA", std::nullopt);
    for (const Bytes& part : {Bytes{}, Bytes{0xa1}, Bytes(19, 0xa1), Bytes(21, 0xa1)}) {
      CAPTURE(part.size());
      spec.extensions = {attest::app_id_extension(part)};
      const Bytes made = *x509::make_app_certificate(spec, key.spki_der(), kms.temp);
      CHECK_FALSE(check_gateway(made, id));
      CHECK_FALSE(check_gateway(made, "any"));
    }
    spec.extensions = {};
    const Bytes without = *x509::make_app_certificate(spec, key.spki_der(), kms.temp);
    CHECK_FALSE(check_gateway(without, "any"));
    CHECK_FALSE(check_gateway(Bytes{1, 2, 3}, "any"));
  }
}

} // namespace dstack::gatewayclient
