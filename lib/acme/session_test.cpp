#include "acme/session.hpp"

#include "acme/fake_authority.hpp"

#include <doctest/doctest.h>
#include <functional>

namespace dstack::acme {
namespace {

constexpr Time start{1'800'000'000'000};

struct World {
  explicit World(std::vector<std::string> names = {"a.example"}) : authority(names, certificate_key)
  {
    settings.directory_url = "https://ca/dir";
    settings.names = std::move(names);
    settings.csr = to_bytes("csr");
    settings.certificate_spki = certificate_key.spki_der();
    settings.kinds = {ChallengeKind::tls_alpn_01, ChallengeKind::dns_01};
  }

  /// Runs to the end; what is left of `instead` answers calls first, nullopt meaning "unreachable".
  std::string run()
  {
    Session session{settings, account_key, now};
    for (int steps = 0; steps < 2000; ++steps) {
      const Step step = session.next(now);
      if (const auto* call = std::get_if<Call>(&step))
        reply(session, *call);
      else if (const auto* wait = std::get_if<WaitUntil>(&step))
        now = wait->at;
      else if (const auto* provision = std::get_if<Provision>(&step)) {
        proofs = provision->proofs;
        session.provisioned();
      } else if (const auto* done = std::get_if<Finished>(&step)) {
        chain = done->chain_pem;
        return "finished " + done->account_url;
      } else {
        failed = std::get<Failed>(step);
        return fmt::format("{}: {}", name_of(failed.error.code()), failed.error.message());
      }
    }
    return "never ends";
  }

  void reply(Session& session, const Call& call)
  {
    const auto other = instead ? instead(call) : std::nullopt;
    if (!other) return session.answer(authority.answer(call), now);
    if (other->status == 0) return session.unreachable(fail(Errc::io, "no route"), now);
    session.answer(*other, now);
  }

  /// The answer to the first `times` calls of that path.
  void first(std::string path, http::Response response, int times = 1)
  {
    instead = [path = std::move(path), response = std::move(response),
               times](const Call& call) mutable -> std::optional<http::Response> {
      if (!call.url.ends_with(path) || times-- <= 0) return std::nullopt;
      return response;
    };
  }

  crypto::P256Key account_key = crypto::P256Key::generate();
  crypto::P256Key certificate_key = crypto::P256Key::generate();
  FakeAuthority authority;
  SessionSettings settings{};
  Time now = start;
  std::vector<Proof> proofs{};
  std::string chain{};
  Failed failed{};
  std::function<std::optional<http::Response>(const Call&)> instead{};
};

http::Response status(int code, std::vector<http::Header> headers = {})
{
  return {code, std::move(headers), ""};
}

} // namespace

TEST_SUITE("acme::session")
{
  TEST_CASE("from the directory to the certificate")
  {
    World world;
    CHECK(world.run() == "finished https://ca/account/1");
    CHECK(world.chain.starts_with("-----BEGIN CERTIFICATE-----"));
    CHECK(world.authority.log ==
          std::vector<std::string>{"GET /dir", "HEAD /nonce", "POST /account", "POST /order",
                                   "POST /authz/0", "POST /chall/0", "POST /authz/0",
                                   "POST /order/1", "POST /finalize", "POST /order/1",
                                   "POST /cert"});
    REQUIRE(world.proofs.size() == 1);
    CHECK(world.proofs[0].kind == ChallengeKind::tls_alpn_01);
    CHECK(world.proofs[0].domain == "a.example");
  }

  TEST_CASE("a known account is used as it is; without names it is only looked at")
  {
    World world;
    world.settings.account_url = "https://ca/account/1";
    CHECK(world.run() == "finished https://ca/account/1");
    CHECK(std::count(world.authority.log.begin(), world.authority.log.end(), "POST /account") == 0);
    World alone;
    alone.settings.names.clear();
    CHECK(alone.run() == "finished https://ca/account/1");
    CHECK(alone.authority.log.back() == "POST /account");
    CHECK(alone.authority.payload == R"({"termsOfServiceAgreed":true})");
  }

  TEST_CASE("a wildcard is proven by DNS, its domain by what we like best; one record each")
  {
    World world{{"*.a.example", "a.example"}};
    CHECK(world.run().starts_with("finished"));
    REQUIRE(world.proofs.size() == 2);
    CHECK(world.proofs[0].kind == ChallengeKind::dns_01);
    CHECK(world.proofs[0].domain == "a.example");
    CHECK(world.proofs[1].kind == ChallengeKind::tls_alpn_01);
  }

  TEST_CASE("authorizations of before need no proof, even when all are")
  {
    World some{{"a.example", "b.example"}};
    some.authority.valid_from_before = {"a.example"};
    CHECK(some.run().starts_with("finished"));
    REQUIRE(some.proofs.size() == 1);
    CHECK(some.proofs[0].domain == "b.example");
    World all{{"a.example", "b.example"}};
    all.authority.valid_from_before = {"a.example", "b.example"};
    CHECK(all.run().starts_with("finished"));
    CHECK(all.proofs.empty());
  }

  TEST_CASE("refused nonces are replaced by the one in the refusal")
  {
    World world;
    int refused = 0;
    world.instead = [&](const Call& call) -> std::optional<http::Response> {
      if (!call.url.ends_with("/order") || refused >= 20) return std::nullopt;
      auto out = FakeAuthority::problem(400, "badNonce");
      out.headers = {{"replay-nonce", fmt::format("again-{}", ++refused)}};
      return out;
    };
    CHECK(world.run().starts_with("finished"));
    CHECK(refused == 20);
    refused = -5;
    CHECK(world.run() == "denied: the authority refused the certificate: badNonce: ");
  }

  TEST_CASE("a server that fails or cannot be reached is asked again, with growing pauses")
  {
    World world;
    world.first("/order", status(0), 6);
    CHECK(world.run().starts_with("finished"));
    CHECK(world.now.ms - start.ms >= 61'000);
    World busy;
    busy.first("/dir", status(503, {{"Retry-After", "7"}}), 2);
    CHECK(busy.run().starts_with("finished"));
    CHECK(busy.now.ms - start.ms >= 14'000);
    World gone;
    gone.first("/dir", status(0), 7);
    CHECK(gone.run() == "io: no route");
    World broken;
    broken.first("/nonce", status(200), 7);
    CHECK(broken.run() == "io: the authority gave no nonce");
    World later;
    later.first("/dir", status(503, {{"Retry-After", "86400"}}));
    CHECK(later.run() == "io: the authority answered with status 503: HTTP status 503");
    CHECK(later.failed.not_before == Time{start.ms + 86'400'000});
  }

  TEST_CASE("a limit on how often we may ask ends the session and says until when")
  {
    World world;
    auto limited = FakeAuthority::problem(429, "rateLimited", "too many certificates");
    limited.headers.push_back({"Retry-After", "3600"});
    world.first("/order", limited);
    CHECK(world.run() ==
          "denied: the authority limits how often it is asked: rateLimited: too many "
          "certificates");
    CHECK(world.failed.problem == "rateLimited");
    CHECK(world.failed.not_before == Time{start.ms + 3'600'000});
  }

  TEST_CASE("an unknown account is never made anew unseen: CAA records may name it")
  {
    World world;
    world.settings.account_url = "https://ca/account/9";
    world.first("/order", FakeAuthority::problem(400, "accountDoesNotExist"));
    CHECK(world.run().starts_with("denied: "));
    CHECK(world.failed.problem == "accountDoesNotExist");
    CHECK(std::count(world.authority.log.begin(), world.authority.log.end(), "POST /account") == 0);
  }

  TEST_CASE("a proof that fails is told with the authority's reason")
  {
    World world{{"a.example", "b.example"}};
    world.authority.invalid_name = "b.example";
    CHECK(world.run() == "denied: ACME: authorization: b.example: dns-01: dns: no such record");
    World never;
    never.authority.validation_rounds = 1'000'000;
    CHECK(never.run() == "timeout: no certificate within 5m00s");
    CHECK(never.now.ms - start.ms == 300'000);
    World other{{"*.a.example"}};
    other.settings.kinds = {ChallengeKind::http_01};
    CHECK(other.run() == "unsupported: ACME: authorization: *.a.example: the authority offers no "
                         "kind of proof that we can give");
  }

  TEST_CASE("what cannot be set up ends the session")
  {
    World world;
    Session session{world.settings, world.account_key, start};
    for (;;) {
      const Step step = session.next(start);
      if (std::holds_alternative<Provision>(step)) break;
      session.answer(world.authority.answer(std::get<Call>(step)), start);
    }
    session.not_provisioned(fail(Errc::io, "no DNS"));
    CHECK(std::get<Failed>(session.next(start)).error.message() == "setting up the proof: no DNS");
  }

  TEST_CASE("an order that is for something else is refused before anything is proven")
  {
    World world;
    world.authority.order_names_lie = "evil.example";
    CHECK(world.run() == "malformed: ACME: order: it is for evil.example");
    CHECK(world.proofs.empty());
  }

  TEST_CASE("a chain for another key or name, expired or unreadable is refused")
  {
    World key;
    key.settings.certificate_spki = crypto::P256Key::generate().spki_der();
    CHECK(key.run() == "malformed: ACME: certificate: it is for another key");
    World text;
    text.authority.chain_lie = "not PEM";
    CHECK(text.run().starts_with("malformed: ACME: certificate: "));
    World late;
    late.now = Time{4'000'000'000'000};
    CHECK(late.run() == "malformed: ACME: certificate: it expired on 2096-10-02T07:06:40Z");
    World world;
    REQUIRE(world.run().starts_with("finished"));
    CHECK(check_chain(world.chain, world.settings.certificate_spki, {"A.example"}, start));
    CHECK(check_chain(world.chain, world.settings.certificate_spki, {"b.example"}, start)
              .error()
              .message() == "it is not for b.example");
  }

  TEST_CASE("an order that is not ready yet when it is finalized is waited for")
  {
    World world;
    world.first("/finalize", FakeAuthority::problem(403, "orderNotReady"));
    CHECK(world.run().starts_with("finished"));
    World slow;
    slow.authority.issuance_rounds = 10;
    CHECK(slow.run().starts_with("finished"));
  }

  TEST_CASE("a certificate that was replaced already is no reason not to renew")
  {
    World world;
    world.settings.replaces = "aki.serial";
    world.first("/order", FakeAuthority::problem(409, "alreadyReplaced"));
    CHECK(world.run().starts_with("finished"));
  }

  TEST_CASE("an authority that wants external accounts says so before anything is sent")
  {
    World world;
    world.authority.external_required = true;
    CHECK(world.run().starts_with("config: ACME: the authority wants a new account to be bound"));
    CHECK(world.authority.log == std::vector<std::string>{"GET /dir"});
    world.settings.external = ExternalAccount{"kid", SecretBytes{Bytes(32)}};
    CHECK(world.run().starts_with("finished"));
  }

  TEST_CASE("a server that leads from https to http is left")
  {
    World world;
    http::Response lie;
    lie.body =
        R"({"newNonce":"http://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o"})";
    world.first("/dir", lie);
    CHECK(world.run() == "untrusted: ACME: newNonce: http://ca/n would leave https");
    world.settings.directory_url = "ftp://ca";
    CHECK(world.run() == "config: ACME directory: \"ftp://ca\" is no http or https URL");
  }
}

} // namespace dstack::acme
