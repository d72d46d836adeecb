#include "attest/csr.hpp"
#include "attest/ratls.hpp"
#include "guestapi/test_guest.hpp"

#include <doctest/doctest.h>

namespace dstack::guestapi {
namespace {

using codec::Json;

http::Request request(const char* target, std::string body)
{
  http::Request out;
  out.method = "POST";
  out.target = target;
  out.headers = {{"Content-Type", "application/json"}};
  out.body = std::move(body);
  return out;
}

/// A guest whose certificates somebody else signs; the test plays that one.
struct World {
  Time now{1'767'225'600'000};
  std::vector<std::pair<SigningRequest, OnCertificate>> asked;
  std::shared_ptr<Guest> guest;
  rpc::Service service;

  World()
  {
    keys::AppKeys app_keys = *keys::from_seed(Secret<32>{{7}});
    app_keys.app_ca.reset(); // the KMS keeps it
    Outside outside;
    outside.now = [this] { return now; };
    outside.gpu_attestation = [] { return std::string{}; };
    outside.sign_cert = [this](SigningRequest request, OnCertificate done) {
      asked.emplace_back(std::move(request), std::move(done));
    };
    guest = std::make_shared<Guest>(test::facts(), test::fake_quote, std::move(app_keys), outside);
    service = dstack_service(guest);
  }
};

} // namespace

TEST_SUITE("guestapi::kms_certificates")
{
  TEST_CASE("trap 12, 17: the request for a certificate carries key, wishes and attestation")
  {
    World world;
    std::optional<http::Response> answer;
    rpc::answer(world.service,
                request("/GetTlsKey", R"({"subject":"a.example","alt_names":["b","10.0.0.7"],)"
                                      R"("usage_client_auth":true,"with_app_info":true,)"
                                      R"("not_before":5,"not_after":9})"),
                [&](http::Response response) { answer = std::move(response); });
    CHECK_FALSE(answer); // it has to be waited for
    REQUIRE(world.asked.size() == 1);
    const SigningRequest& asked = world.asked[0].first;
    CHECK(attest::check_csr_signature(asked.csr, asked.signature));
    const auto csr = attest::parse_csr(asked.csr);
    REQUIRE(csr);
    CHECK(csr->public_key == asked.spki);
    CHECK(csr->config.subject == "a.example");
    CHECK(csr->config.alt_names == std::vector<std::string>{"b", "10.0.0.7"});
    CHECK(csr->config.client_auth);
    CHECK_FALSE(csr->config.server_auth);
    CHECK_FALSE(csr->config.ext_quote); // the attestation is for the KMS then
    CHECK(csr->config.ext_app_info);
    CHECK(csr->config.not_before == 5);
    CHECK(csr->config.not_after == 9);
    const auto attestation = attest::parse_attestation(csr->attestation);
    REQUIRE(attestation);
    CHECK(attestation->report_data == attest::ratls_report_data(asked.spki));
    CHECK(attestation->event_log.size() == 5);

    world.asked[0].second(CertificateChain{"leaf", "app", "root"});
    REQUIRE(answer);
    CHECK(answer->status == 200);
    const auto body = codec::parse_json(answer->body);
    REQUIRE(body);
    CHECK(body->find("key")->text().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    CHECK(*body->get_strings("certificate_chain") ==
          std::vector<std::string>{"leaf", "app", "root"});
  }

  TEST_CASE("while the KMS is silent all else is answered; what it refuses is told")
  {
    World world;
    std::optional<http::Response> answer;
    rpc::answer(world.service, request("/GetTlsKey", "{}"),
                [&](http::Response response) { answer = std::move(response); });
    CHECK(rpc::answer(world.service, request("/GetKey", "{}")).status == 200);
    CHECK(rpc::answer(world.service, request("/Info", "{}")).status == 200);
    CHECK_FALSE(answer);
    world.asked[0].second(fail(Errc::denied, "https://kms: SignCert: no"));
    REQUIRE(answer);
    CHECK(answer->status == 400);
    CHECK(answer->body.find("SignCert: no") != std::string::npos);
    // What is wrong by itself is not even sent.
    const std::size_t before = world.asked.size();
    CHECK(rpc::answer(world.service, request("/GetTlsKey", R"({"not_before":9,"not_after":9})"))
              .body.find("not_before must be earlier") != std::string::npos);
    CHECK(world.asked.size() == before);
  }

  TEST_CASE("Info's certificate comes later, and is asked for again after a while")
  {
    World world;
    CHECK(world.guest->demo_certificate().empty());
    CHECK(world.guest->demo_certificate().empty());
    REQUIRE(world.asked.size() == 1); // under way
    world.asked[0].second(fail(Errc::timeout, "no answer"));
    CHECK(world.guest->demo_certificate().empty());
    CHECK(world.asked.size() == 1); // it went wrong a moment ago
    world.now.ms += 30'000;
    CHECK(world.guest->demo_certificate().empty());
    REQUIRE(world.asked.size() == 2);
    CHECK(attest::parse_csr(world.asked[1].first.csr)->config.ext_quote);
    world.asked[1].second(CertificateChain{"leaf\n", "app\n"});
    CHECK(world.guest->demo_certificate() == "leaf\n\napp\n");
    CHECK(world.asked.size() == 2);
    // An answer may come when the guest is gone.
    world.guest.reset();
    world.service = {};
    world.asked[1].second(CertificateChain{"late"});
  }

  TEST_CASE("without a KMS and without an authority of its own there is no certificate")
  {
    keys::AppKeys app_keys = *keys::from_seed(Secret<32>{{7}});
    app_keys.app_ca.reset();
    Outside outside;
    outside.now = [] { return Time{1'767'225'600'000}; };
    outside.gpu_attestation = [] { return std::string{}; };
    const auto lonely =
        std::make_shared<Guest>(test::facts(), test::fake_quote, std::move(app_keys), outside);
    CHECK(rpc::answer(dstack_service(lonely), request("/GetTlsKey", "{}")).status == 400);
  }
}

} // namespace dstack::guestapi
