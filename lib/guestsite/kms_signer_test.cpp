#include "guestsite/kms_signer.hpp"

#include "kmsclient/test_kms.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"
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
  std::function<bool()> awaited{};
  std::unique_ptr<net::HttpServer> server{};
  std::unique_ptr<KmsSigner> signer{};

  explicit World(bool reachable = true,
                 std::chrono::milliseconds answer = std::chrono::milliseconds{500})
  {
    const auto own = crypto::P256Key::generate();
    const auto tls = *net::TlsServer::create(
        {x509::to_pem(kms_test::server_der(kms, own, {})), own.pkcs8_pem(), ""});
    server = std::make_unique<net::HttpServer>(
        *loop, net::ServerLimits{}, [this](const http::Request&, const net::Responder& to) {
          ++asked;
          if (!silent) return send_chain(to);
          held.push_back(to);
          happened();
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
    settings.reach.answer = answer;
    settings.reach.total = 2 * answer;
    settings.now = [this] { return now; };
    signer = *KmsSigner::create(*loop, std::move(settings));
  }

  void send_chain(const net::Responder& to) const
  {
    codec::Json pems = codec::Json::array();
    for (const Bytes& der : kms.chain(key.spki_der()))
      pems.push(x509::to_pem(der));
    to.send({200, {}, codec::write_json(codec::Json{}.set("certificate_chain", std::move(pems)))});
  }
  void answer_held()
  {
    silent = false;
    for (const net::Responder& to : std::exchange(held, {}))
      send_chain(to);
  }

  /// Something happened that a test may wait for.
  void happened() const
  {
    if (awaited && awaited()) loop->stop();
  }
  void run_until(std::function<bool()> what)
  {
    awaited = std::move(what);
    const auto limit = loop->after(std::chrono::seconds{20}, [&] { loop->stop(); });
    if (!awaited()) REQUIRE(loop->run());
    loop->cancel(limit);
    CHECK(awaited());
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
      happened();
    });
    run_until([&] { return out.has_value(); });
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
    World world{true, std::chrono::seconds{10}};
    world.silent = true;
    constexpr int all = 40;
    int refused = 0;
    int came = 0;
    std::string wrong;
    for (int i = 0; i < all; ++i)
      world.ask(world.key, [&](const Result<guestapi::CertificateChain>& chain) {
        if (chain)
          ++came;
        else if (chain.error().message().find("are being asked of the KMS") != std::string::npos)
          ++refused;
        else
          wrong = chain.error().message();
        world.happened();
      });
    // 32 may wait; one or two may be under way by now.
    CHECK(refused >= 6);
    CHECK(refused <= 8);
    // The KMS lives in the same loop: only when nobody blocks it can both requests arrive there.
    world.run_until([&] { return world.held.size() == 2; });
    CHECK(came == 0);
    world.answer_held();
    world.run_until([&] { return came == all - refused; });
    CHECK(world.asked == all - refused);
    CHECK(wrong.empty());
  }
}

} // namespace dstack::guestsite
