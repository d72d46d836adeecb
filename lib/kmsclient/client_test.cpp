#include "kmsclient/test_kms.hpp"

#include "attest/csr.hpp"
#include "net/test_tls.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"
#include "sys/threads.hpp"
#include "x509/app_chain.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsclient {
namespace {

using codec::Json;
using test::app_id;
using test::Kms;

/// A KMS that answers as it is told to.
struct Scripted {
  Kms kms{};
  Kms certified_by{}; ///< whose root signed the server's certificate
  test::ServerCertificate certificate{};
  std::map<std::string, Json> answers{}; ///< by method; others are refused
  bool silent = false;
  std::vector<std::string> seen{}; ///< method, and "+" with a client certificate
  std::vector<http::Request> requests{};
  Bytes client_certificate{};

  Scripted()
  {
    answers["GetTempCaCert"] = kms.temp_ca();
    answers["GetAppKey"] = kms.app_keys();
    answers["GetMeta"] = kms.meta();
  }

  void handle(const http::Request& request, const net::Responder& responder)
  {
    const std::string method{request.path().substr(std::string_view{"/prpc/"}.size())};
    const Bytes& certificate_der = responder.peer().certificate;
    seen.push_back(method + (certificate_der.empty() ? "" : "+"));
    requests.push_back(request);
    if (!certificate_der.empty()) client_certificate = certificate_der;
    if (silent) return held.push_back(responder);
    const auto known = answers.find(method);
    if (known == answers.end())
      return responder.send({400, {}, "{\n  \"error\": \"App not allowed: Boot denied: no\"\n}"});
    responder.send({200, {}, codec::write_json(known->second)});
  }

  std::vector<net::Responder> held{};
};

/// Runs the client against these servers; urls in their order.
void with_kms(std::vector<Scripted*> servers,
              const std::function<void(const std::vector<std::string>& urls)>& client)
{
  const auto loop = *sys::Loop::create();
  std::vector<std::unique_ptr<net::HttpServer>> running;
  std::vector<std::string> urls;
  for (Scripted* one : servers) {
    const auto key = crypto::P256Key::generate();
    const auto tls = *net::TlsServer::create(
        {x509::to_pem(test::server_der(one->certified_by, key, one->certificate)), key.pkcs8_pem(),
         x509::to_pem(one->kms.temp_der())});
    running.push_back(std::make_unique<net::HttpServer>(
        *loop, net::ServerLimits{}, [one](const http::Request& request, const net::Responder& to) {
          one->handle(request, to);
        }));
    auto listener = *sys::listen_tcp("127.0.0.1", 0);
    urls.push_back(fmt::format("https://127.0.0.1:{}", *sys::local_port(listener.get())));
    REQUIRE(running.back()->serve_tls(std::move(listener), [tls] { return tls; }));
  }
  net::with_loop(*loop, [&] { client(urls); });
  for (Scripted* one : servers)
    one->held.clear();
}

const std::string nobody = "https://127.0.0.1:1"; // tcpmux: nothing listens there

AppQuestion question(const std::vector<std::string>& urls, Bytes pin = {})
{
  AppQuestion out;
  out.urls = *parse_urls(urls);
  out.pin = std::move(pin);
  out.app_id = app_id();
  out.vm_config = R"({"os_image_hash":"ff"})";
  out.attest = [](const ReportData& data) { return test::attestation(data); };
  return out;
}

Reach soon(int ms = 5000)
{
  const std::chrono::milliseconds time{ms};
  return {{}, time, time, 2 * time};
}

/// Why no keys came.
Error refused(Scripted& server, Bytes pin = {})
{
  std::optional<Error> out;
  with_kms({&server}, [&](const std::vector<std::string>& urls) {
    const auto answer = request_app_keys(question(urls, std::move(pin)), soon(), test::now);
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

} // namespace

TEST_SUITE("kmsclient::client")
{
  TEST_CASE("keys of the KMS that the app pins, by the exchange that published guests have")
  {
    Scripted server;
    const Bytes pin = server.kms.root.ca.spki_der();
    with_kms({&server}, [&](const std::vector<std::string>& urls) {
      const auto answer = request_app_keys(question(urls, pin), soon(), test::now);
      INFO((answer ? "" : answer.error().message()));
      REQUIRE(answer);
      CHECK(equal(answer->keys.k256_key.view(),
                  keys::app_k256_key(server.kms.root, app_id())->view()));
      CHECK(answer->signer == *crypto::k256_public(server.kms.root.k256));
      CHECK(answer->kms.root.spki == pin);
      CHECK(answer->kms.urls.front().text == urls[0]);
    });
    CHECK(server.seen == std::vector<std::string>{"GetTempCaCert", "GetAppKey+"});
    CHECK(server.requests[0].method == "POST");
    CHECK(server.requests[0].target == "/prpc/GetTempCaCert?json");
    CHECK(server.requests[0].body == "null");
    CHECK(server.requests[1].body ==
          R"({"api_version":1,"vm_config":"{\"os_image_hash\":\"ff\"}"})");
    const auto shown = attest::parse_ratls(server.client_certificate);
    REQUIRE(shown);
    CHECK(shown->attestation.report_data == attest::ratls_report_data(shown->spki));
    CHECK(x509::check_app_chain({server.client_certificate, server.kms.temp_der()},
                                server.kms.temp.spki_der(), test::now));
  }

  TEST_CASE("another root than the pinned one: nothing but the question who it is was sent")
  {
    Scripted server;
    const Error why = refused(server, test::p256_of("another root").spki_der());
    CHECK(why.code() == Errc::denied);
    says(why, ": key_provider_id: the key provider is '" + hex(server.kms.root.ca.spki_der()));
    CHECK(server.seen == std::vector<std::string>{"GetTempCaCert"});
  }

  TEST_CASE(
      "a server that its root does not vouch for, as a KMS and for this host, is told nothing")
  {
    Scripted foreign;
    foreign.certified_by.root.ca = test::p256_of("another root");
    CHECK(refused(foreign).code() == Errc::untrusted);
    Scripted app; // trap 18: apps' certificates chain to the same root
    app.certificate.usage = "app:custom";
    says(refused(app), "Invalid server cert usage: app:custom");
    Scripted unmarked;
    unmarked.certificate.usage = "";
    says(refused(unmarked), "missing server cert usage");
    Scripted elsewhere;
    elsewhere.certificate.host = "10.9.9.9";
    says(refused(elsewhere), "mismatch");
    Scripted debug;
    debug.certificate.debug = true;
    says(refused(debug), "can be debugged");
    Scripted borrowed;
    borrowed.certificate.of_another_key = true;
    says(refused(borrowed), "of another key");
    for (const Scripted* one : {&foreign, &app, &unmarked, &elsewhere, &debug, &borrowed})
      CHECK(one->seen == std::vector<std::string>{"GetTempCaCert"});
  }

  TEST_CASE("an answer that does not fit the KMS is none")
  {
    Scripted server;
    Kms other;
    other.root.ca = test::p256_of("another root");
    server.answers["GetAppKey"] =
        server.kms.app_keys().set("ca_cert", x509::to_pem(other.root_der()));
    says(refused(server), "ca_cert is of another root");
    server.answers["GetAppKey"] = server.kms.app_keys().set("k256_key", std::string(64, '0'));
    says(refused(server), "k256_key");
    server.answers["GetAppKey"] =
        server.kms.app_keys().set("k256_signature", std::string(130, '0'));
    says(refused(server), "k256_signature");
    server.answers["GetAppKey"] = Json{};
    CHECK(refused(server).code() == Errc::malformed);
    server.answers["GetAppKey"] = Json{}.set("error", std::string(2 * max_answer, 'x'));
    CHECK(refused(server).code() == Errc::malformed);
    server.answers.erase("GetAppKey");
    const Error why = refused(server);
    CHECK(why.code() == Errc::denied);
    says(why, "GetAppKey: App not allowed: Boot denied: no");
  }

  TEST_CASE(
      "the first address that gives keys wins; with none the first error counts, all are told")
  {
    Scripted refusing;
    refusing.answers.erase("GetAppKey");
    Scripted good;
    with_kms({&refusing, &good}, [&](const std::vector<std::string>& urls) {
      const auto answer = request_app_keys(question({nobody, urls[0], urls[1]}), soon(), test::now);
      INFO((answer ? "" : answer.error().message()));
      REQUIRE(answer);
      CHECK(answer->kms.urls.front().text == urls[1]);
      CHECK(answer->kms.urls.size() == 3);
      const auto none = request_app_keys(question({nobody, urls[0]}), soon(), test::now);
      REQUIRE_FALSE(none);
      CHECK(none.error().code() == Errc::io);
      says(none.error(), nobody + ": GetTempCaCert: ");
      says(none.error(), "; " + urls[0] + ": GetAppKey: App not allowed");
      const auto other = request_app_keys(question({urls[0], nobody}), soon(), test::now);
      CHECK(other.error().code() == Errc::denied);
    });
    CHECK(request_app_keys(question({nobody}), soon(), test::now).error().code() == Errc::io);
  }

  TEST_CASE("a KMS that does not answer costs its time and no more")
  {
    Scripted silent;
    silent.silent = true;
    with_kms({&silent}, [&](const std::vector<std::string>& urls) {
      const std::int64_t before = sys::monotonic_ms();
      const auto answer =
          request_app_keys(question({urls[0], urls[0], urls[0]}), soon(200), test::now);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().code() == Errc::timeout);
      says(answer.error(), "no time left to ask");
      CHECK(sys::monotonic_ms() - before < 3000);
    });
  }

  TEST_CASE("certificates, settings and environment keys of the KMS that gave the keys")
  {
    Scripted server;
    const auto key = test::p256_of("leaf");
    const auto chain = server.kms.chain(key.spki_der());
    Json pems = Json::array();
    for (const Bytes& der : chain)
      pems.push(x509::to_pem(der));
    server.answers["SignCert"] = Json{}.set("certificate_chain", std::move(pems));
    server.answers["GetAppEnvEncryptPubKey"] =
        server.kms.env_key(static_cast<std::uint64_t>(test::now.seconds()));
    Scripted other; // the same root, and no answers
    other.answers.clear();
    with_kms({&other, &server}, [&](const std::vector<std::string>& urls) {
      Trusted kms;
      kms.urls = *parse_urls({nobody, urls[0], urls[1]});
      kms.root = {server.kms.root_der(), server.kms.root.ca.spki_der()};
      const CertificateQuestion asked{Bytes{1, 2}, Bytes{3}, "{}", key.spki_der(), app_id()};
      const auto certificate = request_certificate(kms, asked, soon(), test::now);
      INFO((certificate ? "" : certificate.error().message()));
      REQUIRE(certificate);
      CHECK(certificate->chain == chain);
      CHECK(certificate->url == urls[1]);
      CHECK(request_meta(kms, soon())->k256 == *crypto::k256_public(server.kms.root.k256));
      const auto env = request_env_key(kms, app_id(), soon());
      REQUIRE(env);
      CHECK(check_env_key(*env, app_id(), *crypto::k256_public(server.kms.root.k256), test::now));
      const auto met = meet(*parse_urls({urls[1]}), kms.root.spki, soon());
      REQUIRE(met);
      CHECK(met->root.spki == kms.root.spki);
      CHECK(meet(*parse_urls({urls[1]}), Bytes(91, 1), soon()).error().code() == Errc::denied);
      // Whose chain it is not.
      CertificateQuestion wrong = asked;
      wrong.spki = test::p256_of("other").spki_der();
      CHECK(
          request_certificate({{kms.urls[2]}, kms.root}, wrong, soon(), test::now).error().code() ==
          Errc::untrusted);
      Trusted another = kms;
      another.root.der = other.kms.temp_der();
      CHECK_FALSE(request_meta(another, soon()));
    });
    const auto& sent = server.requests[0];
    CHECK(sent.target == "/prpc/SignCert?json");
    CHECK(sent.body == R"({"api_version":2,"csr":"0102","signature":"03","vm_config":"{}"})");
    CHECK(server.seen[0] == "SignCert"); // without a client certificate: none is needed
  }
}

} // namespace dstack::kmsclient
