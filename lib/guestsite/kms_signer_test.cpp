#include "guestsite/kms_signer.hpp"

#include "kmsclient/test_kms.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

#include <doctest/doctest.h>

namespace dstack::guestsite {
namespace {

namespace kms_test = kmsclient::test;

/// A KMS and the VM that asks it, in one loop.
struct World {
  std::unique_ptr<sys::Loop> loop = *sys::Loop::create();
  kms_test::Kms kms{};
  crypto::P256Key key = kms_test::p256_of("leaf");
  Time now = kms_test::now;
  bool silent = false;
  int asked = 0;
  std::vector<net::Responder> held{};
  std::unique_ptr<net::HttpServer> server{};
  std::unique_ptr<KmsSigner> signer{};

  explicit World(bool reachable = true)
  {
    const auto own = crypto::P256Key::generate();
    const auto tls = *net::TlsServer::create(
        {x509::to_pem(kms_test::server_der(kms, own, {})), own.pkcs8_pem(), ""});
    server = std::make_unique<net::HttpServer>(
        *loop, net::ServerLimits{}, [this](const http::Request&, const net::Responder& to) {
          ++asked;
          if (silent) return held.push_back(to);
          codec::Json pems = codec::Json::array();
          for (const Bytes& der : kms.chain(key.spki_der()))
            pems.push(x509::to_pem(der));
          to.send({200,
                   {},
                   codec::write_json(codec::Json{}.set("certificate_chain", std::move(pems)))});
        });
    auto listener = *sys::listen_tcp("127.0.0.1", 0);
    const auto port = *sys::local_port(listener.get());
    REQUIRE(server->serve_tls(std::move(listener), [tls] { return tls; }));
    SignerSettings settings;
    const std::string nobody = "https://127.0.0.1:1";
    settings.kms.urls = *kmsclient::parse_urls(
        {nobody, reachable ? fmt::format("https://127.0.0.1:{}", port) : nobody});
    settings.kms.root = {kms.root_der(), kms.root.ca.spki_der()};
    settings.app_id = kms_test::app_id();
    settings.reach.answer = std::chrono::milliseconds{500};
    settings.reach.total = std::chrono::milliseconds{1000};
    settings.now = [this] { return now; };
    signer = *KmsSigner::create(*loop, std::move(settings));
  }

  void ask(const crypto::P256Key& of, guestapi::OnCertificate done) const
  {
    signer->sign({Bytes{1}, Bytes{2}, of.spki_der()}, std::move(done));
  }
  Result<guestapi::CertificateChain> answer(const crypto::P256Key& of)
  {
    std::optional<Result<guestapi::CertificateChain>> out;
    ask(of, [&](Result<guestapi::CertificateChain> chain) {
      out = std::move(chain);
      loop->stop();
    });
    const auto limit = loop->after(std::chrono::seconds{20}, [&] { loop->stop(); });
    if (!out) REQUIRE(loop->run());
    loop->cancel(limit);
    REQUIRE(out);
    return *out;
  }
};

} // namespace

TEST_SUITE("guestsite::KmsSigner")
{
  TEST_CASE("a certificate comes through the loop, from the address that answers")
  {
    World world;
    const auto chain = world.answer(world.key);
    INFO((chain ? "" : chain.error().message()));
    REQUIRE(chain);
    REQUIRE(chain->size() == 3);
    CHECK(chain->front().starts_with("-----BEGIN CERTIFICATE-----\n"));
    CHECK(world.answer(world.key));
    // A certificate for another key than ours is refused here.
    const auto wrong = world.answer(kms_test::p256_of("other"));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code() == Errc::untrusted);
    CHECK(world.asked == 3);
  }

  TEST_CASE("a KMS that is down is asked again only after a while; nobody waits for that")
  {
    World world{false};
    const auto first = world.answer(world.key);
    REQUIRE_FALSE(first);
    CHECK(first.error().code() == Errc::io);
    bool at_once = false;
    world.ask(world.key,
              [&](const Result<guestapi::CertificateChain>& chain) { at_once = !chain; });
    CHECK(at_once);
    world.now.ms += 3000;
    at_once = false;
    world.ask(world.key, [&](const Result<guestapi::CertificateChain>&) { at_once = true; });
    CHECK_FALSE(at_once);
  }

  TEST_CASE("while a KMS is silent the loop goes on, and no more than a few wait")
  {
    World world;
    world.silent = true;
    int refused = 0;
    int timed_out = 0;
    for (int i = 0; i < 40; ++i)
      world.ask(world.key, [&](const Result<guestapi::CertificateChain>& chain) {
        REQUIRE_FALSE(chain);
        ++(chain.error().message().find("are being asked of the KMS") != std::string::npos
               ? refused
               : timed_out);
      });
    CHECK(refused >= 6);
    int ticks = 0;
    const std::function<void()> tick = [&] {
      if (++ticks == 10) return world.loop->stop();
      world.loop->after(std::chrono::milliseconds{20}, tick);
    };
    const std::int64_t before = sys::monotonic_ms();
    tick();
    REQUIRE(world.loop->run());
    CHECK(sys::monotonic_ms() - before < 2000);
    CHECK(timed_out <= 2);
  }
}

} // namespace dstack::guestsite
