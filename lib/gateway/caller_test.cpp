#include "gateway/caller.hpp"

#include "attest/identity.hpp"
#include "attest/ratls_write.hpp"
#include "x509/app_certificate.hpp"

#include <doctest/doctest.h>

namespace dstack::gateway {

namespace {

attest::AppInfo shop()
{
  attest::AppInfo out;
  out.app_id = Bytes(20, 0xa1);
  out.instance_id = Bytes(20, 0xb2);
  out.compose_hash = Bytes(32, 0xc1);
  return out;
}

Bytes certificate(std::vector<x509::Extension> extensions)
{
  const auto key = crypto::P256Key::generate();
  x509::AppCertificateSpec spec;
  spec.subject.common_name = "dstack-guest-agent";
  spec.issuer = spec.subject;
  spec.not_after = 4'000'000'000;
  spec.extensions = std::move(extensions);
  return *x509::make_app_certificate(spec, key.spki_der(), key);
}

x509::Extension evidence()
{
  attest::Attestation out;
  out.quote = Bytes(700, 4);
  out.event_log = {attest::to_tdx_event({"app-id", Bytes(20, 0xa1)})};
  out.runtime_events = attest::runtime_events_of(out.event_log);
  return attest::attestation_extension(out);
}

verify::Proven proven(const attest::AppInfo& app)
{
  verify::Proven out;
  out.identity.emplace();
  out.identity->app_id = app.app_id;
  out.identity->instance_id = app.instance_id;
  out.identity->compose_hash = app.compose_hash;
  return out;
}

Result<Caller> who(const std::vector<x509::Extension>& extensions,
                   const Result<verify::Proven>& proof = fail(Errc::internal, "not asked for"))
{
  const Claim claim = TRY(read_claim(certificate(extensions)));
  return identify(claim, [&](const attest::Evidence&, const verify::BoundData& data) {
    CHECK(data == attest::ratls_report_data(claim.spki));
    return proof;
  });
}

std::string why(const Result<Caller>& caller)
{
  REQUIRE_FALSE(caller);
  return caller.error().message();
}

} // namespace

TEST_SUITE("gateway::caller")
{
  TEST_CASE("nobody in particular: no certificate, or one that says nothing")
  {
    CHECK_FALSE(read_claim({})->app_info);
    const auto caller = who({});
    REQUIRE(caller);
    CHECK_FALSE(caller->app);
    CHECK(caller->app_id.empty());
    CHECK_FALSE(read_claim(as_bytes("no certificate")));
  }

  TEST_CASE("an app is who the KMS wrote into its certificate")
  {
    const auto caller =
        who({attest::app_id_extension(shop().app_id), attest::app_info_extension(shop())});
    REQUIRE_MESSAGE(caller, caller.error().message());
    CHECK(caller->app->instance_id == shop().instance_id);
    CHECK(caller->app_id == shop().app_id);
    CHECK_FALSE(who({attest::app_id_extension(shop().app_id)})->app);
  }

  TEST_CASE("a certificate that contradicts itself is refused")
  {
    CHECK(why(who({attest::app_id_extension(Bytes(20, 9)), attest::app_info_extension(shop())}))
              .find("its app info is of app") != std::string::npos);
    x509::Extension broken = attest::app_info_extension(shop());
    broken.value.resize(broken.value.size() - 1);
    CHECK_FALSE(who({broken}));
  }

  TEST_CASE("evidence must hold, and be of the same app")
  {
    CHECK(why(who({attest::app_info_extension(shop()), evidence()},
                  fail(Errc::untrusted, "seen debug"))) == "invalid quote: seen debug");
    const auto caller = who({evidence()}, proven(shop()));
    REQUIRE_MESSAGE(caller, caller.error().message());
    CHECK(caller->app->app_id == shop().app_id);
    CHECK(who({attest::app_info_extension(shop()), evidence()}, proven(shop())));
    attest::AppInfo other = shop();
    other.instance_id[0] ^= 1;
    CHECK(why(who({attest::app_info_extension(shop()), evidence()}, proven(other)))
              .find("is another's") != std::string::npos);
    CHECK(why(who({attest::app_id_extension(Bytes(20, 9)), evidence()}, proven(shop())))
              .find("its attestation is of app") != std::string::npos);
  }
}

} // namespace dstack::gateway
