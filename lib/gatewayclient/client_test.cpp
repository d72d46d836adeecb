#include "gatewayclient/client.hpp"

#include "kmsclient/test_kms.hpp"
#include "net/test_tls.hpp"
#include "sys/sockets.hpp"
#include "sys/threads.hpp"

#include <doctest/doctest.h>

namespace dstack::gatewayclient {
namespace {

using kmsclient::test::app_id;
using kmsclient::test::Kms;

std::string pem_of(const std::vector<Bytes>& chain)
{
  std::string out;
  for (const Bytes& der : chain)
    out += x509::to_pem(der);
  return out;
}

std::vector<Bytes> chain_for(const Kms& kms, const crypto::P256Key& key, const Bytes& app)
{
  return kms.chain(key.spki_der(), attest::usage_app, attest::usage_app_ca, app);
}

/// A gateway that answers as it is told to.
struct Scripted {
  Kms kms{};
  Bytes app = app_id();
  http::Response answer{
      200,
      {},
      R"({"wg":{"client_ip":"10.8.0.7","servers":[{"pk":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",)"
      R"("ip":"10.8.0.1/16","endpoint":"localhost:51820"}]},"agent":{"domain":"example.com","external_port":443}})"};
  std::vector<http::Request> seen{};
  Bytes client{};
};

void with_gateways(std::vector<Scripted*> servers,
                   const std::function<void(const std::vector<std::string>& urls)>& client)
{
  const auto loop = *sys::Loop::create();
  std::vector<std::unique_ptr<net::HttpServer>> running;
  std::vector<std::string> urls;
  for (Scripted* one : servers) {
    const auto key = crypto::P256Key::generate();
    const auto tls =
        *net::TlsServer::create({pem_of(chain_for(one->kms, key, one->app)), key.pkcs8_pem(),
                                 x509::to_pem(one->kms.root_der()), 1});
    running.push_back(std::make_unique<net::HttpServer>(
        *loop, net::ServerLimits{}, [one](const http::Request& request, const net::Responder& to) {
          one->seen.push_back(request);
          one->client = to.peer().certificate;
          to.send(one->answer);
        }));
    auto listener = *sys::listen_tcp("127.0.0.1", 0);
    urls.push_back(fmt::format("https://127.0.0.1:{}", *sys::local_port(listener.get())));
    REQUIRE(running.back()->serve_tls(std::move(listener), [tls] { return tls; }));
  }
  net::with_loop(*loop, [&] { client(urls); });
}

Question question(const std::vector<std::string>& urls)
{
  const Kms kms;
  const auto key = crypto::P256Key::generate();
  Question out;
  out.urls = *kmsclient::parse_urls(urls, "gateway");
  out.root_der = kms.root_der();
  out.gateway_app_id = hex(app_id());
  out.chain_pem = pem_of(chain_for(kms, key, Bytes(20, 0xc3)));
  out.key_pem = key.pkcs8_pem();
  out.public_key[0] = 7;
  return out;
}

kmsclient::Reach soon()
{
  const std::chrono::milliseconds time{5000};
  return {{}, time, time, 2 * time};
}

/// Why nothing came of it.
Error refused(Scripted& server, const std::function<void(Question&)>& change = {})
{
  std::optional<Error> out;
  with_gateways({&server}, [&](const std::vector<std::string>& urls) {
    Question asked = question(urls);
    if (change) change(asked);
    const auto answer = request_registration(asked, soon());
    if (!answer) out = answer.error();
  });
  REQUIRE(out);
  return *out;
}

bool says(const Error& error, std::string_view text)
{
  INFO(error.message());
  const bool found = error.message().find(text) != std::string::npos;
  CHECK(found);
  return found;
}

const std::string nobody = "https://127.0.0.1:1"; // tcpmux: nothing listens there

} // namespace

TEST_SUITE("gatewayclient::client")
{
  TEST_CASE("the registration as published guests send it, with the certificate of the app")
  {
    Scripted server;
    with_gateways({&server}, [&](const std::vector<std::string>& urls) {
      const auto answer = request_registration(question({nobody, urls[0] + "/prpc"}), soon());
      INFO((answer ? "" : answer.error().message()));
      REQUIRE(answer);
      CHECK(answer->url == urls[0]);
      CHECK(answer->registration.client.text() == "10.8.0.7");
      CHECK(answer->registration.domain == "example.com");
      REQUIRE(answer->peers.size() == 1);
      CHECK(answer->peers[0].endpoint->text() == "127.0.0.1:51820"); // looked up
      REQUIRE(answer->peers[0].allowed.size() == 1);
      CHECK(answer->peers[0].allowed[0].text() == "10.8.0.1/32");
      CHECK(answer->peers[0].keepalive_seconds == 25);
    });
    REQUIRE(server.seen.size() == 1);
    CHECK(server.seen[0].method == "POST");
    CHECK(server.seen[0].target == "/prpc/RegisterCvm?json");
    CHECK(server.seen[0].body == registration_request(question({nobody}).public_key, {}));
    CHECK(attest::certificate_marks(server.client)->app_id == Bytes(20, 0xc3));
  }

  TEST_CASE("another app of the same KMS is no gateway, and is asked nothing")
  {
    Scripted server;
    server.app = Bytes(20, 0xdd);
    const Error why = refused(server);
    CHECK(why.code() == Errc::untrusted);
    says(why, "the gateway is app dddddddddddddddddddddddddddddddddddddddd (the KMS names a1a1");
    CHECK(server.seen.empty());
    with_gateways({&server}, [&](const std::vector<std::string>& urls) {
      Question asked = question(urls);
      asked.gateway_app_id = "any";
      CHECK(request_registration(asked, soon()));
    });
  }

  TEST_CASE("'any' is any app of the KMS, not anybody")
  {
    Scripted server;
    server.kms.root.ca = kmsclient::test::p256_of("another root");
    const Error why = refused(server, [](Question& asked) { asked.gateway_app_id = "any"; });
    CHECK(why.code() == Errc::untrusted);
    CHECK(server.seen.empty());
  }

  TEST_CASE("without a gateway that the KMS names nobody is asked")
  {
    Scripted server;
    const Error why = refused(server, [](Question& asked) { asked.gateway_app_id = ""; });
    CHECK(why.code() == Errc::config);
    CHECK(server.client.empty());
  }

  TEST_CASE("refusals and answers that cannot be are told with the address")
  {
    Scripted server;
    server.answer = {400, {}, R"({"error":"this node is down"})"};
    const Error why = refused(server);
    CHECK(why.code() == Errc::denied);
    says(why, ": RegisterCvm: this node is down");
    server.answer = {200, {}, "{}"};
    says(refused(server), "wg");
  }

  TEST_CASE("an endpoint inside the tunnel is refused")
  {
    Scripted server;
    const auto at = server.answer.body.find("localhost");
    server.answer.body.replace(at, 9, "10.8.0.1");
    says(refused(server), "the endpoint 10.8.0.1:51820 is inside the tunnel");
  }
}

} // namespace dstack::gatewayclient
