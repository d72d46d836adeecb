
#include "kmsclient/test_kms.hpp"
#include "x509/app_chain.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsclient {
namespace {

using test::Kms;
using test::now;

std::string why(const Status& status)
{
  return status ? "" : status.error().message();
}

} // namespace

TEST_SUITE("kmsclient::trust")
{
  TEST_CASE("trap 16: the root is pinned by its key, and no part of it will do")
  {
    const Kms kms;
    const KnownCertificate root{kms.root_der(), kms.root.ca.spki_der()};
    CHECK(check_pin(root, root.spki));
    CHECK(check_pin(root, {}));
    Bytes other = root.spki;
    other.back() ^= 1U;
    for (const Bytes& pin : {other, Bytes(root.spki.begin(), root.spki.end() - 1), Bytes(91, 0)}) {
      const auto refused = check_pin(root, pin);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::denied);
      CHECK(why(refused) ==
            fmt::format("key_provider_id: the key provider is '{}' (the app wants {})",
                        hex(root.spki), hex(pin)));
    }
  }

  TEST_CASE("trap 18: an app's certificate chains to the same root, and is no KMS'")
  {
    const Kms kms;
    const auto key = test::p256_of("server");
    CHECK(check_server(test::server_der(kms, key, {})));
    CHECK(check_server(test::server_der(kms, key, {.attested = false})));
    CHECK(why(check_server(test::server_der(kms, key, {.usage = ""}))) ==
          "missing server cert usage");
    for (const char* usage : {"app:custom", "app:ca", "kms:rpc2", "kms:unseal"})
      CHECK(why(check_server(test::server_der(kms, key, {.usage = usage}))) ==
            fmt::format("Invalid server cert usage: {}", usage));
    CHECK(why(check_server(test::server_der(kms, key, {.debug = true}))).find("can be debugged") !=
          std::string::npos);
    CHECK(why(check_server(test::server_der(kms, key, {.of_another_key = true})))
              .find("of another key") != std::string::npos);
    CHECK_FALSE(check_server(to_bytes("x")));
  }

  TEST_CASE("the client certificate is the temporary CA's, with the attestation of its key")
  {
    const Kms kms;
    const auto ca = parse_temp_ca(codec::write_json(kms.temp_ca()));
    REQUIRE(ca);
    const auto made = make_identity(
        *ca, [](const ReportData& data) { return test::attestation(data); }, now);
    REQUIRE(made);
    const Bytes der = *x509::first_certificate(as_bytes(made->chain_pem));
    const auto read = attest::parse_ratls(der);
    REQUIRE(read);
    CHECK(read->subject == "/CN=RA-TLS TEMP Cert");
    CHECK(read->usage.empty());
    CHECK(read->app_id.empty());
    CHECK(read->attestation.report_data == attest::ratls_report_data(read->spki));
    CHECK(read->spki != kms.temp.spki_der());
    CHECK(x509::check_app_chain({der, kms.temp_der()}, kms.temp.spki_der(), now));
    CHECK_FALSE(make_identity(
        *ca, [](const ReportData&) -> Result<attest::Attestation> { return fail(Errc::io, "no"); },
        now));
  }

  TEST_CASE("a certificate of SignCert is for our key, of our app, from the known root")
  {
    const Kms kms;
    const auto key = test::p256_of("leaf");
    const WantedCertificate wanted{kms.root.ca.spki_der(), key.spki_der(), test::app_id()};
    CHECK(check_certificate(kms.chain(wanted.spki), wanted, now));
    const auto refused = [&](const std::vector<Bytes>& chain) {
      const Status status = check_certificate(chain, wanted, now);
      REQUIRE_FALSE(status);
      CHECK(status.error().code() == Errc::untrusted);
      return status.error().message();
    };
    CHECK(refused(kms.chain(test::p256_of("other").spki_der())) ==
          "the certificate is for another key");
    CHECK(refused(kms.chain(wanted.spki, "kms:rpc")).find("marked 'kms:rpc'") != std::string::npos);
    CHECK(
        refused(kms.chain(wanted.spki, "app:custom", "app:custom")).find("the app CA is marked") !=
        std::string::npos);
    CHECK(refused(kms.chain(wanted.spki, "app:custom", "app:ca", Bytes(20, 0xa2)))
              .find("is of app a2a2") != std::string::npos);
    Kms another;
    another.root.ca = test::p256_of("another root");
    CHECK(refused(another.chain(wanted.spki)) == "the chain ends in another root");
    auto chain = kms.chain(wanted.spki);
    CHECK(refused({chain[0], chain[1]}) == "a chain of 2 certificates (want 3)");
    CHECK_FALSE(check_certificate({chain[1], chain[0], chain[2]}, wanted, now));
    CHECK_FALSE(
        check_certificate({chain[0], another.chain(wanted.spki)[1], chain[2]}, wanted, now));
  }

  TEST_CASE("trap 33: an environment key is signed by the known KMS, for this app, and lately")
  {
    const Kms kms;
    const auto signer = *crypto::k256_public(kms.root.k256);
    const auto at = [&](std::int64_t seconds) {
      return *parse_env_key(
          codec::write_json(kms.env_key(static_cast<std::uint64_t>(now.seconds() + seconds))));
    };
    for (const std::int64_t fine : {-300, 0, 60})
      CHECK(check_env_key(at(fine), test::app_id(), signer, now));
    for (const std::int64_t late : {-301, -90'000, 61, 90'000})
      CHECK_FALSE(check_env_key(at(late), test::app_id(), signer, now));
    auto other = at(0);
    other.timestamp += 1;
    CHECK_FALSE(check_env_key(other, test::app_id(), signer, now));
    other = at(0);
    other.key[0] ^= 1U;
    CHECK_FALSE(check_env_key(other, test::app_id(), signer, now));
    CHECK_FALSE(check_env_key(at(0), Bytes(20, 0xa2), signer, now));
    CHECK_FALSE(check_env_key(at(0), test::app_id(), *crypto::k256_public(Secret<32>{{7}}), now));
    other = at(0);
    other.timestamp = UINT64_MAX;
    CHECK_FALSE(check_env_key(other, test::app_id(), signer, now));
  }
}

} // namespace dstack::kmsclient
