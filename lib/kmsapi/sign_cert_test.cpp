#include "attest/csr.hpp"
#include "attest/ratls.hpp"
#include "attest/ratls_write.hpp"
#include "attest/scale.hpp"
#include "kmsapi/test_world.hpp"
#include "x509/app_chain.hpp"
#include "x509/read.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsapi {

using codec::Json;
using testing::World;

namespace {

/// A guest's request; the world says what its attestation proves.
struct Request {
  crypto::P256Key key = crypto::P256Key::generate();
  attest::Csr csr{};

  Request()
  {
    csr.public_key = key.spki_der();
    csr.config.subject = "app.example.com";
    csr.config.alt_names = {"app.example.com"};
    csr.config.server_auth = true;
    attest::Attestation blob;
    blob.quote = Bytes(1000, 4);
    blob.event_log = {attest::to_tdx_event({"app-id", Bytes(20, 0xa1)})};
    blob.runtime_events = {{"app-id", Bytes(20, 0xa1)}};
    csr.attestation = attest::encode(blob);
  }

  Json v2() const { return of(2, attest::encode(csr)); }
  Json of(int version, const Bytes& raw) const
  {
    return Json{}
        .set("api_version", version)
        .set("csr", hex(raw))
        .set("signature", hex(key.sign_der(raw)));
  }
};

std::vector<Bytes> chain_of(const Json& answer)
{
  std::vector<Bytes> out;
  if (answer.is_null()) return out;
  const auto chain = *answer.get_strings("certificate_chain");
  for (const std::string& pem : chain)
    out.push_back(*x509::first_certificate(as_bytes(pem)));
  return out;
}

} // namespace

TEST_SUITE("kmsapi::sign_cert")
{
  TEST_CASE("the chain leads from the request's key over the app's authority to the root")
  {
    World world;
    const Request request;
    CHECK(world.why("SignCert", request.v2()) == "answered");
    const auto chain = chain_of(world.get("SignCert", request.v2()));
    REQUIRE(chain.size() == 3);
    CHECK(x509::check_app_chain(chain, world.state.root->open.ca_spki,
                                Time{vault::testing::now * 1000}));
    const auto leaf = *attest::certificate_marks(chain[0]);
    CHECK(leaf.spki == request.csr.public_key);
    CHECK(leaf.usage == "app:custom");
    CHECK(leaf.app_id == Bytes(20, 0xa1));
    CHECK_FALSE(leaf.attested);
    CHECK(attest::certificate_marks(chain[1])->usage == "app:ca");
    CHECK(world.bound_to == attest::ratls_report_data(request.csr.public_key));
    CHECK(world.records.at(0).event == "SignCert");
  }

  TEST_CASE("the leaf carries what was asked for: attestation and app info, as the log has it")
  {
    World world;
    Request request;
    request.csr.config.ext_quote = request.csr.config.ext_app_info = true;
    const auto chain = chain_of(world.get("SignCert", request.v2()));
    REQUIRE(chain.size() == 3);
    CHECK(attest::parse_ratls(chain[0])->attestation.quote == Bytes(1000, 4));
    const auto read = *x509::read_certificate(chain[0]);
    const Bytes* info = read.find("1.3.6.1.4.1.62397.1.9");
    REQUIRE(info != nullptr);
    const std::string text = hex(*info);
    CHECK(text.find(hex(crypto::sha256(Bytes(16, 0x77)))) != std::string::npos); // the device
  }

  TEST_CASE("the policy sees the VM as it was when it got its keys (spec kms 9.2)")
  {
    World world;
    CHECK(world.why("SignCert", Request{}.v2()) == "answered");
    const kms::BootInfo seen = *world.records.at(0).caller;
    CHECK(seen.key_provider_info.empty());
    auto early = testing::whole_boot();
    early.resize(5);
    world.caller.proven = std::make_shared<const verify::Proven>(testing::proven_app(early));
    CHECK(world.why("GetAppKey", Json{}.set("api_version", 1)) == "answered");
    CHECK(kms::to_text(*world.records.at(1).caller) == kms::to_text(seen));
  }

  TEST_CASE("trap 17: version 1 and version 2, and no other")
  {
    World world;
    const Request request;
    Bytes quote(700, 0);
    quote[0] = 4;
    const std::string log = "[]";
    const Bytes config = *parse_hex("003c6170702e6578616d706c652e636f6d043c6170702e6578616d706c652e"
                                    "636f6d010000"); // spec kms 20.7
    attest::ScaleWriter out;
    out.text("please sign cert:")
        .bytes(request.key.spki_der())
        .fixed(config)
        .bytes(quote)
        .text(log);
    CHECK(world.why("SignCert", request.of(1, out.take())) == "answered");
    for (const int version : {0, 3})
      CHECK(world.why("SignCert", request.of(version, attest::encode(request.csr))) ==
            fmt::format("Unsupported API version: {}", version));
    CHECK(world.why("SignCert", request.of(1, attest::encode(request.csr)))
              .starts_with("Failed to parse csr"));
    CHECK(world.why("SignCert", request.of(2, Bytes(3, 3))).starts_with("Failed to parse csr"));
  }

  TEST_CASE("a request that is not signed with its own key, or not vouched for, gets nothing")
  {
    World world;
    const Request request;
    Json other = request.v2();
    other.set("signature", hex(crypto::P256Key::generate().sign_der(attest::encode(request.csr))));
    CHECK(world.why("SignCert", other).starts_with("Failed to verify csr signature"));
    CHECK(world.records.empty());
    world.unproven = fail(Errc::untrusted, "debug");
    CHECK(world.why("SignCert", request.v2()) == "Quote verification failed: debug");
    CHECK(world.records.at(0).reason == "Quote verification failed: debug");
  }

  TEST_CASE("trap 18: nobody gets a certificate in the KMS' own name, or one for ever")
  {
    World world;
    Request request;
    request.csr.config.alt_names = {"app.example.com", "KMS.example.com"};
    CHECK(world.get("SignCert", request.v2()).is_null());
    request = Request{};
    request.csr.config.not_after = 253'402'300'799;
    const auto chain = chain_of(world.get("SignCert", request.v2()));
    REQUIRE(chain.size() == 3);
    CHECK(x509::read_certificate(chain[0])->not_after ==
          x509::read_certificate(chain[1])->not_after);
  }

  TEST_CASE("an app whose compose file changed gets no certificate either")
  {
    World world;
    world.outside.prove = [](const attest::Evidence&, const verify::BoundData&,
                             const kms::Policy&) -> Result<verify::Proven> {
      auto events = testing::whole_boot();
      events[2].payload[0] ^= 1U;
      return testing::proven_app(events);
    };
    CHECK(world.why("SignCert", Request{}.v2()).starts_with("App not allowed: Boot denied: "));
  }
}

} // namespace dstack::kmsapi
