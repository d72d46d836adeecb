#include "net/test_programs.hpp"
#include "net/test_tls.hpp"

#include <poll.h>
#include <sys/socket.h>

namespace dstack::net {
namespace {

using std::chrono::milliseconds;

void echo_host(http::Request request, const Responder& responder)
{
  responder.send({200, {{"X-Host", *request.header("Host")}}, request.method + " " + request.body});
}

/// One request over a connection of its own.
Result<http::Response> ask(std::uint16_t port, const TlsClientSettings& settings)
{
  auto client = TRY(TlsClient::connect(connect_to(port), settings, soon));
  return client.exchange(request_of("GET", "/"), test_limits);
}

/// The refusal of a server, by a client that must not take it.
Error refusal(std::uint16_t port, const TlsClientSettings& settings)
{
  const auto client = TlsClient::connect(connect_to(port), settings, soon);
  REQUIRE(!client);
  return client.error();
}

bool says(const Error& error, std::string_view text)
{
  INFO(error.message());
  const bool found = error.message().find(text) != std::string::npos;
  CHECK(found);
  return found;
}

/// Two ends of a connection, the second one for a server that is played by hand.
struct Ends {
  sys::Fd client{};
  sys::Fd server{};
};
Ends socket_pair()
{
  std::array<int, 2> pair{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  return {sys::Fd{pair[0]}, sys::Fd{pair[1]}};
}

} // namespace

TEST_SUITE("net::TlsClient")
{
  const TestTls tls;
  const auto server = tls.serving();
  const auto serving = [] { return server; };

  TEST_CASE("requests on one connection are answered in turn, whatever their size")
  {
    with_tls_server({}, echo_host, serving, [&](std::uint16_t port) {
      auto client = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(client);
      CHECK(client->peer_certificate() == tls.server.der);
      const std::string large(5'000'000, 'l');
      for (const std::string& body : {std::string{"one"}, large, std::string{}, large}) {
        const auto answer = client->exchange(request_of("POST", "/", body), test_limits);
        REQUIRE(answer);
        CHECK(answer->body == "POST " + body);
        const std::string* host = answer->header("X-Host");
        CHECK((host != nullptr && *host == fmt::format("localhost:{}", port)));
      }
      TlsClient moved = *std::move(client);
      CHECK(moved.exchange(request_of("GET", "/"), test_limits));
    });
  }

  TEST_CASE("a server must be the one that was meant: by name or by address, never by its subject")
  {
    with_tls_server({}, echo_host, serving, [&](std::uint16_t port) {
      TlsClientSettings settings = tls.trusting();
      for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1"}) {
        settings.host = host;
        CHECK(ask(port, settings));
      }
      for (const char* host : {"leaf", "localhost.example", "ocalhost", "10.0.2.2", "::1"}) {
        settings.host = host;
        const Error why = refusal(port, settings);
        CHECK(why.code() == Errc::untrusted);
        says(why, "mismatch");
      }
    });
  }

  TEST_CASE(
      "names that do not count are told to the server, and the authorities count all the same")
  {
    with_tls_server({}, echo_host, serving, [&](std::uint16_t port) {
      TlsClientSettings settings = tls.trusting();
      settings.names = TlsClientSettings::Names::ignored;
      for (const char* host : {"elsewhere.example", "10.0.2.2", ""}) {
        settings.host = host;
        CHECK(ask(port, settings));
      }
      settings.trust_pem = tls.clients.pem();
      CHECK(refusal(port, settings).code() == Errc::untrusted);
    });
  }

  TEST_CASE("only the given authorities count")
  {
    with_tls_server({}, echo_host, serving, [&](std::uint16_t port) {
      TlsClientSettings settings = tls.trusting();
      settings.trust_pem = tls.clients.pem();
      CHECK(refusal(port, settings).code() == Errc::untrusted);
      const TestAuthority same_name{"Test Root"};
      settings.trust_pem = same_name.pem();
      CHECK(refusal(port, settings).code() == Errc::untrusted);
      settings.trust_pem = tls.clients.pem() + tls.root.pem();
      CHECK(ask(port, settings));
      // Another certificate of the same name and key is the same authority.
      settings.trust_pem = tls.root.certificate_pem(86'400);
      CHECK(ask(port, settings));
    });
  }

  TEST_CASE("a certificate that is out of date, or for clients only, is refused")
  {
    auto old = tls.root.leaf();
    old.not_after = TestAuthority::in_days(-1);
    auto early = tls.root.leaf();
    early.not_before = TestAuthority::in_days(1);
    auto client_only = tls.root.leaf();
    client_only.client_auth = true;
    for (const auto& spec : {old, early, client_only}) {
      const TestIdentity identity = tls.root.issue(spec);
      const auto bad = *TlsServer::create({identity.pem, identity.key_pem, ""});
      with_tls_server(
          {}, echo_host, [&] { return bad; },
          [&](std::uint16_t port) {
            CHECK(refusal(port, tls.trusting()).code() == Errc::untrusted);
            TlsClientSettings anything;
            CHECK(ask(port, anything)); // the caller judges
          });
    }
  }

  TEST_CASE("a chain through an authority below the root is followed, when the server sends it")
  {
    const auto middle_key = crypto::P256Key::generate();
    auto middle = tls.root.leaf();
    middle.subject = {"", "Middle"};
    middle.alt_names = {};
    middle.ca_path_length = 0;
    const std::string middle_pem =
        x509::to_pem(*x509::make_app_certificate(middle, middle_key.spki_der(), tls.root.key()));
    auto spec = tls.root.leaf();
    spec.issuer = {"", "Middle"};
    const auto key = crypto::P256Key::generate();
    const std::string leaf =
        x509::to_pem(*x509::make_app_certificate(spec, key.spki_der(), middle_key));
    for (const bool whole : {true, false}) {
      const auto chained =
          *TlsServer::create({leaf + (whole ? middle_pem : ""), key.pkcs8_pem(), ""});
      with_tls_server(
          {}, echo_host, [&] { return chained; },
          [&](std::uint16_t port) {
            CHECK(static_cast<bool>(ask(port, tls.trusting())) == whole);
            TlsClientSettings at_middle = tls.trusting();
            at_middle.trust_pem = middle_pem; // what is trusted need not be a root
            CHECK(ask(port, at_middle));
          });
    }
  }

  TEST_CASE("a pinned key is required, with and without authorities")
  {
    with_tls_server({}, echo_host, serving, [&](std::uint16_t port) {
      TlsClientSettings settings;
      settings.pinned_spki = tls.server.spki;
      CHECK(ask(port, settings));
      settings.pinned_spki = tls.client.spki;
      const Error why = refusal(port, settings);
      CHECK(why.code() == Errc::untrusted);
      says(why, "TLS with the server: certificate of the server: its key is not the one");
      settings = tls.trusting();
      settings.pinned_spki = tls.client.spki;
      CHECK(refusal(port, settings).code() == Errc::untrusted);
      settings.pinned_spki = Bytes{};
      CHECK(refusal(port, settings).code() == Errc::untrusted);
      settings.pinned_spki = tls.server.spki;
      settings.host = "elsewhere";
      CHECK(refusal(port, settings).code() == Errc::untrusted);
    });
  }

  TEST_CASE("a server that is refused is asked nothing")
  {
    bool seen = false;
    const Handler handler = [&](const http::Request&, const Responder&) { seen = true; };
    with_tls_server({}, handler, serving, [&](std::uint16_t port) {
      TlsClientSettings settings = tls.with_certificate(tls.client);
      settings.pinned_spki = tls.client.spki;
      CHECK(refusal(port, settings).code() == Errc::untrusted);
    });
    CHECK(!seen);
  }

  TEST_CASE("settings that cannot work are refused before anything is sent")
  {
    TlsClientSettings no_host = tls.trusting();
    no_host.host.clear();
    TlsClientSettings no_key = tls.trusting();
    no_key.chain_pem = tls.client.pem;
    TlsClientSettings other_key = tls.with_certificate(tls.client);
    other_key.key_pem = tls.server.key_pem;
    TlsClientSettings bad_trust = tls.trusting();
    bad_trust.trust_pem = "no certificate";
    TlsClientSettings cut = tls.trusting();
    cut.trust_pem = tls.root.pem() + tls.root.pem().substr(0, 200);
    TlsClientSettings nul = tls.trusting();
    nul.host = std::string{"localhost\0.example", 18};
    for (const auto& settings : {no_host, no_key, other_key, bad_trust, cut, nul}) {
      Ends ends = socket_pair();
      const auto client = TlsClient::connect(std::move(ends.client), settings, soon);
      REQUIRE(!client);
      CHECK((client.error().code() == Errc::usage || client.error().code() == Errc::malformed));
      CHECK(sys::read_to_end(ends.server.get(), 1000)->empty());
    }
  }

  TEST_CASE("a server that says nothing is a timeout, in the handshake and after it")
  {
    Ends ends = socket_pair();
    const std::int64_t began = sys::monotonic_ms();
    const auto silent = TlsClient::connect(std::move(ends.client), {}, milliseconds{80});
    REQUIRE(!silent);
    CHECK(silent.error().code() == Errc::timeout);
    CHECK(sys::monotonic_ms() - began < 4000);
    std::vector<Responder> held;
    const Handler hold = [&](const http::Request&, const Responder& to) { held.push_back(to); };
    with_tls_server({}, hold, serving, [&](std::uint16_t port) {
      auto client = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(client);
      const auto answer = client->exchange(request_of("GET", "/"), {milliseconds{80}, {}});
      REQUIRE(!answer);
      CHECK(answer.error().code() == Errc::timeout);
    });
  }

  TEST_CASE("a server that is none, or breaks off, is told from one that is refused")
  {
    Ends plain = socket_pair();
    REQUIRE(sys::write_all(plain.server.get(), as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n")));
    const auto no_tls = TlsClient::connect(std::move(plain.client), {}, soon);
    REQUIRE(!no_tls);
    CHECK(no_tls.error().code() == Errc::io);
    says(no_tls.error(), "does not speak TLS");
    Ends gone = socket_pair();
    gone.server.reset();
    const auto closed = TlsClient::connect(std::move(gone.client), {}, soon);
    REQUIRE(!closed);
    CHECK(closed.error().code() == Errc::io);
  }

  TEST_CASE("an answer that ends with the connection counts only when the server says so")
  {
    const Handler handler = [](const http::Request& asked, const Responder& to) {
      to.stream_start({200, {}, ""});
      to.stream_piece("piece");
      if (asked.target == "/whole") to.stream_finish();
    };
    with_tls_server({}, handler, serving, [&](std::uint16_t port) {
      for (const bool whole : {true, false}) {
        auto client = TlsClient::connect(connect_to(port), tls.trusting(), soon);
        REQUIRE(client);
        const auto answer =
            client->exchange(request_of("GET", whole ? "/whole" : "/cut"), test_limits);
        REQUIRE(static_cast<bool>(answer) == whole);
        if (whole) CHECK(answer->body == "piece");
        if (!whole) says(answer.error(), "closed the connection");
      }
    });
  }

  TEST_CASE("no answer is taken that is larger than allowed")
  {
    const Handler handler = [](const http::Request&, const Responder& to) {
      to.send({200, {}, std::string(3'000'000, 'h')});
    };
    with_tls_server({}, handler, serving, [&](std::uint16_t port) {
      auto client = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(client);
      LocalLimits small = test_limits;
      small.message.max_body_bytes = 100'000;
      const auto answer = client->exchange(request_of("GET", "/"), small);
      REQUIRE(!answer);
      CHECK(answer.error().code() == Errc::malformed);
    });
  }

  TEST_CASE(
      "another server is understood: one that sends tickets, and one that wants a certificate")
  {
    const TestFiles files;
    const std::string ca = files.holding("ca.pem", tls.clients.pem());
    const std::string cert = files.holding("server.pem", tls.server.pem);
    const std::string key = files.holding("server.key", tls.server.key_pem);
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      const std::uint16_t port = *sys::free_port("127.0.0.1");
      sys::Command command;
      command.argv = {"openssl",
                      "s_server",
                      "-www",
                      version,
                      "-accept",
                      fmt::format("127.0.0.1:{}", port),
                      "-cert",
                      cert,
                      "-key",
                      key,
                      "-Verify",
                      "1",
                      "-verify_return_error",
                      "-CAfile",
                      ca};
      auto child = sys::spawn(command);
      REQUIRE(child);
      Result<sys::Fd> tcp = sys::connect_tcp("127.0.0.1", port, soon);
      for (int i = 0; !tcp && i < 500; ++i) {
        ::poll(nullptr, 0, 10);
        tcp = sys::connect_tcp("127.0.0.1", port, soon);
      }
      REQUIRE(tcp);
      {
        auto client = TlsClient::connect(*std::move(tcp), tls.with_certificate(tls.client), soon);
        REQUIRE(client);
        const auto answer = client->exchange(request_of("GET", "/"), test_limits);
        REQUIRE(answer);
        CHECK(answer->body.find("Ciphers supported") != std::string::npos);
        CHECK(answer->body.find("Client certificate") != std::string::npos);
      } // it serves one after the other
      const auto without = ask(port, tls.trusting());
      REQUIRE(!without);
      INFO(without.error().message());
      if (version == std::string_view{"-tls1_3"}) CHECK(without.error().code() == Errc::denied);
      CHECK(child->kill(9));
      CHECK(child->wait(soon));
    }
  }

  TEST_CASE("a server that answers before it has taken everything is heard")
  {
    ServerLimits tight;
    tight.message.max_body_bytes = 1000;
    with_tls_server(tight, echo_host, serving, [&](std::uint16_t port) {
      auto client = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(client);
      const auto answer =
          client->exchange(request_of("POST", "/", std::string(5'000'000, 'b')), test_limits);
      REQUIRE(answer);
      CHECK(answer->status == 400);
    });
  }
}

} // namespace dstack::net
