#include "attest/evidence.hpp"
#include "attest/identity.hpp"
#include "attest/ratls.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"
#include "guestapi/test_guest.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

namespace dstack::guestapi {

namespace {

using codec::Json;
using test::facts;
using test::guest;
using test::k256;

struct Answer {
  int status = 0;
  Json body;
  std::string text() const { return codec::write_json(body); }
  std::string member(const char* name) const { return body.find(name)->text(); }
};

Answer ask(const rpc::Service& service, std::string target, std::string body = "{}")
{
  http::Request request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  const http::Response response = rpc::answer(service, request);
  const auto parsed = codec::parse_json(response.body);
  REQUIRE(parsed);
  return {response.status, *parsed};
}

Bytes certificate(const Answer& answer, std::size_t at)
{
  return *x509::first_certificate(
      as_bytes(answer.body.find("certificate_chain")->items().at(at).text()));
}

std::string error_of(const Answer& answer)
{
  CHECK(answer.status == 400);
  return answer.member("error");
}

} // namespace

TEST_SUITE("guestapi::services")
{
  TEST_CASE("GetKey and Sign through the socket's form")
  {
    const auto service = dstack_service(guest());
    const auto key = ask(service, "/GetKey", R"({"path":"/test/path","purpose":"test-purpose"})");
    CHECK(key.member("key") == "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7");
    REQUIRE(key.body.find("signature_chain")->items().size() == 2);
    CHECK(key.body.find("signature_chain")->items()[1].text().empty()); // no KMS
    CHECK(error_of(ask(service, "/GetKey", R"({"algorithm":"rsa"})")) == "Unsupported algorithm");
    const auto made = ask(service, "/Sign", R"({"algorithm":"ed25519","data":"00ff"})");
    const std::string claim =
        fmt::format(R"({{"algorithm":"ed25519","data":"00ff","signature":"{}","public_key":"{}"}})",
                    made.member("signature"), made.member("public_key"));
    CHECK(ask(service, "/Verify", claim).text() == R"({"valid":true})");
    for (const char* algorithm : {"ed25519", "secp256k1", "k256", "secp256k1_prehashed"})
      CHECK(error_of(ask(service, "/Verify", fmt::format(R"({{"algorithm":"{}"}})", algorithm))) ==
            "invalid public key");
  }

  TEST_CASE("trap 2 and 4: methods of other versions are unknown, which is 400")
  {
    const auto service = dstack_service(guest());
    CHECK(error_of(ask(service, "/EmitEvent", R"({"event":"x","payload":""})")) ==
          "Service not found: EmitEvent");
    CHECK(ask(service, "/Version").member("version") == "0.6.0");
    CHECK(ask(service, "/GpuInfo").text() == R"({"attestation":"gpu"})");
  }

  TEST_CASE("trap 5: quotes bind padded data, and runtime events keep their digests")
  {
    const auto service = dstack_service(guest());
    const auto answer = ask(service, "/GetQuote", R"({"report_data":"0xABcd"})");
    CHECK(answer.member("report_data") == "abcd" + std::string(124, '0'));
    CHECK(answer.member("quote").substr(2 * 568, 4) == "abcd");
    const auto log = attest::log_from_json(*codec::parse_json(answer.member("event_log")));
    REQUIRE(log);
    for (const auto& event : *log)
      CHECK(event.digest.has_value());
    CHECK((*log)[0].payload == to_bytes("ACPI DATA"));
    CHECK((*log)[1].payload.empty());
    CHECK((*log)[2].payload.size() == 20);
    CHECK(error_of(ask(service, "/GetQuote",
                       fmt::format(R"({{"report_data":"{}"}})", std::string(130, '0')))) ==
          "Report data is too long");
  }

  TEST_CASE("trap 16: V2 events come with digest and preimage, in attestations and certificates")
  {
    const auto service = dstack_service(guest(facts(attest::EventVersion::v2)));
    const auto blob = ask(service, "/Attest").member("attestation");
    const auto read = attest::parse_attestation(*parse_hex(blob));
    REQUIRE(read);
    CHECK(read->version == 1);
    CHECK(read->event_log.back().preimage.find("instance-id") != std::string::npos);
    const auto made = ask(service, "/GetTlsKey", R"({"usage_ra_tls":true})");
    const auto certified = attest::parse_ratls(certificate(made, 0));
    REQUIRE(certified);
    CHECK(certified->attestation.event_log.back().digest.has_value());
    CHECK_FALSE(certified->attestation.event_log.back().preimage.empty());
  }

  TEST_CASE("GetTlsKey: what is asked for is in the certificate, and nothing else")
  {
    const auto service = dstack_service(guest());
    const auto plain = ask(service, "/GetTlsKey", R"({"subject":"a.example"})");
    CHECK(plain.member("key").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    const auto read = *x509::read_certificate(certificate(plain, 0));
    CHECK(read.subject == "/CN=a.example");
    CHECK(read.find("2.5.29.17") == nullptr);
    CHECK(read.find("2.5.29.37") == nullptr);
    CHECK(attest::parse_ratls(certificate(plain, 0)).error().code() == Errc::not_found);
    CHECK(plain.member("key") != ask(service, "/GetTlsKey", "{}").member("key"));

    const auto full = ask(service, "/GetTlsKey",
                          R"({"usage_ra_tls":true,"with_app_info":true,"not_before":1000,)"
                          R"("not_after":2000000000,"usage_server_auth":true})");
    const auto certified = attest::parse_ratls(certificate(full, 0));
    REQUIRE(certified);
    CHECK(certified->usage == "app:custom");
    CHECK(certified->not_before == 1000);
    CHECK(certified->not_after == 2'000'000'000);
    const auto bound = attest::ratls_report_data(certified->spki);
    CHECK(equal(certified->attestation.report_data, bound));
    const auto raw = *x509::read_certificate(certificate(full, 0));
    for (const char* oid : {"1.3.6.1.4.1.62397.1.1", "1.3.6.1.4.1.62397.1.2",
                            "1.3.6.1.4.1.62397.1.8", "1.3.6.1.4.1.62397.1.9"})
      CHECK(raw.find(oid) != nullptr);
    CHECK(error_of(ask(service, "/GetTlsKey", R"({"not_before":2,"not_after":2})")) ==
          "not_before must be earlier than not_after");
    CHECK(ask(service, "/GetTlsKey", R"({"not_after":18446744073709551615})").status == 400);
    CHECK(ask(service, "/GetTlsKey", R"({"alt_names":["ü"]})").status == 400);
    // The authority is attested too.
    CHECK(attest::parse_ratls(certificate(plain, 1)));
  }

  TEST_CASE("trap 6: Info has every member as the strictest client reads it")
  {
    const auto service = dstack_service(guest());
    const auto info = ask(service, "/Info");
    CHECK(info.status == 200);
    CHECK(info.member("device_id") ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(info.member("app_cert").find("END CERTIFICATE-----\n\n-----BEGIN") != std::string::npos);
    const auto tcb = *codec::parse_json(info.member("tcb_info"));
    for (const char* name : {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"})
      CHECK(tcb.find(name)->text().size() == 96);
    for (const char* name : {"mr_aggregated", "os_image_hash", "compose_hash", "device_id"})
      CHECK(tcb.find(name)->text().size() == 64);
    CHECK(tcb.find("event_log")->items().size() == 5);
    CHECK(tcb.find("app_compose")->text() == R"({"name":"demo"})");
    CHECK(ask(service, "/Info").member("app_cert") == info.member("app_cert"));
    // The other services answer alike.
    CHECK(ask(tappd_service(guest()), "/prpc/Tappd.Info").member("app_id") ==
          info.member("app_id"));
  }

  TEST_CASE("the world sees tcb_info only when the app publishes it")
  {
    Facts hidden = facts();
    hidden.public_tcbinfo = false;
    const auto service = worker_service(guest(hidden));
    const auto info = ask(service, "/prpc/Worker.Info");
    CHECK(info.member("tcb_info").empty());
    CHECK(info.member("vm_config").empty());
    CHECK_FALSE(ask(worker_service(guest()), "/prpc/Info").member("tcb_info").empty());
    const auto vouched =
        ask(service, "/prpc/GetAttestationForAppKey", R"({"algorithm":"ed25519"})");
    CHECK(vouched.member("report_data").starts_with(hex(as_bytes("dip1::ed25519-pk:"))));
    for (const char* algorithm : {"", "secp256k1_prehashed"})
      CHECK(error_of(ask(service, "/prpc/GetAttestationForAppKey",
                         fmt::format(R"({{"algorithm":"{}"}})", algorithm))) ==
            "Unsupported algorithm");
  }

  TEST_CASE("trap 24: tappd's quotes hash under a prefix, raw wants exactly 64 bytes")
  {
    const auto service = tappd_service(guest());
    const auto content = hex(as_bytes("test content"));
    const auto hashed =
        ask(service, "/prpc/Tappd.TdxQuote", fmt::format(R"({{"report_data":"{}"}})", content));
    CHECK(hashed.member("quote").substr(2 * 568, 128) ==
          "7ea0b744ed5e9c0c83ff9f575668e1697652cd349f2027cdf26f918d4c53e8cd50b5ea9b449b4c3d50e20ae0"
          "0ec2"
          "9688d5a214e8daff8a10041f5d624dae8a01");
    CHECK(hashed.member("hash_algorithm") == "sha512");
    CHECK(hashed.member("prefix") == "app-data");
    const auto named = ask(service, "/prpc/TdxQuote",
                           R"({"report_data":"74657374","hash_algorithm":"keccak256"})");
    CHECK(named.member("quote").substr(2 * 568, 128) ==
          "b877945563d5025eec520b6bb150efcf4c368c491ff1947529be3125d4e5ecb6" +
              std::string(64, '0'));
    const std::string full(128, 'a');
    const auto raw = ask(service, "/prpc/RawQuote", fmt::format(R"({{"report_data":"{}"}})", full));
    CHECK(raw.member("quote").substr(2 * 568, 128) == full);
    CHECK(raw.member("prefix").empty());
    CHECK(error_of(ask(service, "/prpc/RawQuote", R"({"report_data":"aa"})")) ==
          "invalid content length");
    CHECK(error_of(ask(service, "/prpc/TdxQuote", R"({"hash_algorithm":"md5"})")) ==
          "invalid hash algorithm");
  }

  TEST_CASE("tappd's keys follow from the path, unless they are to be random")
  {
    const auto service = tappd_service(guest());
    const auto one = ask(service, "/prpc/DeriveKey", R"({"path":"/","subject":"s"})");
    CHECK(one.member("key") ==
          ask(service, "/prpc/Tappd.DeriveKey", R"({"path":"/"})").member("key"));
    CHECK(one.member("key") == keys::derive_p256(*parse_hex(k256), {"/"})->pkcs8_pem());
    CHECK(one.member("key") !=
          ask(service, "/prpc/DeriveKey", R"({"path":"/","random_seed":true})").member("key"));
    const auto k256_key = ask(service, "/prpc/DeriveK256Key", R"({"path":"/test/path"})");
    CHECK(k256_key.member("k256_key").starts_with("b9fbb7171185c421"));
  }

  TEST_CASE("what the guest answers is evidence that the verifier recognises")
  {
    const auto service = dstack_service(guest());
    for (const char* method : {"/GetQuote", "/Attest"}) {
      const auto read = attest::recognise(as_bytes(ask(service, method).text()));
      REQUIRE(read);
      CHECK(read->has_event_log);
      CHECK(attest::runtime_events_of(read->attestation.event_log).size() == 3);
    }
  }
}

} // namespace dstack::guestapi
