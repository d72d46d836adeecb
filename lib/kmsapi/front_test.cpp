#include "kmsapi/front.hpp"

#include "attest/ratls.hpp"
#include "attest/ratls_write.hpp"
#include "kmsapi/messages.hpp"
#include "kmsapi/rate_limit.hpp"
#include "kmsapi/test_world.hpp"
#include "rpc/wire.hpp"
#include "x509/app_certificate.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsapi {

using codec::Json;
using testing::World;

namespace {

http::Request request(std::string method, std::string target, std::string body = "")
{
  return {std::move(method), std::move(target), {}, std::move(body)};
}

/// A client's certificate; the world says what its attestation proves.
Bytes certificate(bool attested)
{
  const auto key = crypto::P256Key::generate();
  x509::AppCertificateSpec spec;
  spec.subject.common_name = "RA-TLS TEMP Cert";
  spec.issuer = spec.subject;
  spec.not_after = 1'893'456'000;
  attest::Attestation blob;
  blob.quote = Bytes(1000, 4);
  blob.event_log = {attest::to_tdx_event({"app-id", Bytes(20, 0xa1)})};
  if (attested) spec.extensions = {attest::attestation_extension(blob)};
  return *x509::make_app_certificate(spec, key.spki_der(), key);
}

http::Response
answer(World& world, const http::Request& asked, const Bytes& client, Metrics& metrics)
{
  return answer_rpc(world.outside, world.arrangement, std::make_shared<const State>(world.state),
                    asked, {"192.0.2.1", client}, metrics);
}

} // namespace

TEST_SUITE("kmsapi::front")
{
  TEST_CASE("one segment behind /prpc/ is a method; the service's name may stand before it")
  {
    CHECK(method_of(request("GET", "/prpc/GetMeta")) == "GetMeta");
    CHECK(method_of(request("POST", "/prpc/KMS.KMS.GetMeta?json")) == "GetMeta");
    for (const char* path : {"/", "/prpc", "/prpc/", "/prpc/a/b", "/GetMeta", "/prpc/KMS."})
      CHECK_FALSE(is_rpc(request("GET", path)));
    CHECK_FALSE(is_rpc(request("PUT", "/prpc/GetMeta")));
  }

  TEST_CASE("JSON by GET, query or content type, else protobuf; empty is the default request")
  {
    World world;
    Metrics metrics;
    const auto ask = [&](const http::Request& asked) { return answer(world, asked, {}, metrics); };
    const auto meta = ask(request("GET", "/prpc/GetMeta"));
    CHECK(meta.status == 200);
    CHECK(*meta.headers.begin()->value.data() == 'a');
    CHECK(codec::parse_json(meta.body));
    const auto raw = ask(request("POST", "/prpc/KMS.GetMeta"));
    CHECK(raw.headers.at(0).value == "application/octet-stream");
    const auto read = rpc::read_message(messages::meta(), as_bytes(raw.body));
    REQUIRE(read);
    CHECK(*read->get_string("k256_pubkey", "") == hex(world.state.root->open.k256));
    const std::string id = testing::times("a1", 20);
    const auto by_query = ask(request("GET", "/prpc/GetAppEnvEncryptPubKey?app_id=0x" + id));
    CHECK(by_query.status == 200);
    const Bytes message = *rpc::write_message(messages::app_id(), Json{}.set("app_id", id));
    const auto by_wire = ask(request("POST", "/prpc/GetAppEnvEncryptPubKey", to_text(message)));
    CHECK(by_wire.status == 200);
    CHECK(*rpc::read_message(messages::public_key(), as_bytes(by_wire.body))
               ->get_string("public_key", "") ==
          "ab1585fd6ea5df34461959c9fa4c6473c8ac97dd997a9b8b1ea2d2d5da6df35b");
    const auto refused = ask(request("POST", "/prpc/GetAppEnvEncryptPubKey"));
    CHECK(refused.status == 400);
    CHECK(as_bytes(refused.body)[0] == 0x0a); // field 1: the text
    CHECK(ask(request("POST", "/prpc/Nothing?json")).body ==
          "{\n  \"error\": \"Service not found: Nothing\"\n}");
  }

  TEST_CASE("trap 1: a client is what its certificate proves, not who signed it; a broken proof "
            "fails every request")
  {
    World world;
    Metrics metrics;
    const auto asked = request("POST", "/prpc/GetAppKey?json", R"({"api_version":1})");
    CHECK(answer(world, asked, certificate(true), metrics).status == 200);
    const auto none = answer(world, asked, certificate(false), metrics);
    CHECK(none.status == 400);
    CHECK(none.body.find("No attestation provided") != std::string::npos);
    world.unproven = fail(Errc::untrusted, "quote of a debug TD");
    const auto meta = answer(world, request("GET", "/prpc/GetMeta"), certificate(true), metrics);
    CHECK(meta.status == 400);
    CHECK(meta.body.find("invalid quote: quote of a debug TD") != std::string::npos);
    CHECK(world.records.back().reason == "invalid quote: quote of a debug TD");
    CHECK_FALSE(world.records.back().caller);
    CHECK(metrics.counters.attestation_requests == 2);
    CHECK(metrics.counters.attestation_failures == 1);
    CHECK(metrics.counters.evidence_refused == 1);
  }

  TEST_CASE("trap 2: what is proven is bound to the certificate's own key")
  {
    World world;
    Metrics metrics;
    const Bytes client = certificate(true);
    answer(world, request("GET", "/prpc/GetMeta"), client, metrics);
    CHECK(world.bound_to == attest::ratls_report_data(attest::certificate_marks(client)->spki));
  }

  TEST_CASE("trap 26: refusals before dispatch come in the encoding of the answer")
  {
    CHECK(rpc::refusal(request("GET", "/prpc/X"), 429, "slow").body ==
          "{\n  \"error\": \"slow\"\n}");
    CHECK(rpc::refusal(request("POST", "/prpc/X"), 503, "busy").body == "\x0a\x04"
                                                                        "busy");
  }

  TEST_CASE("metrics have the published names")
  {
    Metrics metrics;
    metrics.took(0.003);
    metrics.took(100);
    const std::string text = metrics.text({true, 3, 0, 7});
    for (const char* line :
         {"# TYPE dstack_kms_attestation_requests_total counter\n",
          "\ndstack_kms_attestation_requests_total 0\n",
          "\ndstack_kms_attestation_failures_total 0\n", "_bucket{le=\"0.0025\"} 0\n",
          "_bucket{le=\"0.005\"} 1\n", "_bucket{le=\"+Inf\"} 2\n", "_count 2\n",
          "\ndstack_kms_sealed 1\n", "\ndstack_kms_waiting_requests 3\n"})
      CHECK_MESSAGE(text.find(line) != std::string::npos, line);
  }

  TEST_CASE("each address has its own allowance, and an IPv6 network counts as one")
  {
    RateLimit limit{60};
    std::int64_t now = 1000;
    for (int i = 0; i < 30; ++i)
      CHECK(limit.take("192.0.2.1", now));
    CHECK_FALSE(limit.take("192.0.2.1", now));
    CHECK(limit.take("192.0.2.2", now));
    now += 1000;
    CHECK(limit.take("192.0.2.1", now));
    CHECK_FALSE(limit.take("192.0.2.1", now));
    for (int i = 0; i < 30; ++i)
      CHECK(limit.take(fmt::format("2001:db8::{:x}", i + 1), now));
    CHECK_FALSE(limit.take("2001:db8::ffff", now));
    CHECK(limit.take("2001:db8:0:1::1", now));
    RateLimit none{0};
    for (int i = 0; i < 1000; ++i)
      CHECK(none.take("192.0.2.1", now));
    CHECK(none.known() == 0);
  }
}

} // namespace dstack::kmsapi
