#include "net/test_programs.hpp"
#include "net/test_tls.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace dstack::net {
namespace {

using std::chrono::milliseconds;

void echo_peer(http::Request request, const Responder& responder)
{
  responder.send(
      {200,
       {{"X-Address", responder.peer().address}},
       fmt::format("{} {} [{}]", request.method, request.body, hex(responder.peer().certificate))});
}

Result<std::string> ask_body(std::uint16_t port, const TlsClientSettings& settings)
{
  auto client = TRY(TlsClient::connect(connect_to(port), settings, soon));
  return TRY(client.exchange(request_of("GET", "/"), test_limits)).body;
}

/// `openssl s_client` as an independent client; what it prints.
std::string s_client(std::uint16_t port, std::vector<std::string> options, std::string input = "")
{
  std::vector<std::string> argv{"openssl", "s_client", "-connect",
                                fmt::format("127.0.0.1:{}", port)};
  argv.insert(argv.end(), options.begin(), options.end());
  const sys::Output out = run_program(argv, std::move(input));
  return out.out + out.err;
}

bool has(const std::string& text, std::string_view part)
{
  return text.find(part) != std::string::npos;
}

/// A connection from another address of this machine.
sys::Fd connect_from(const char* address, std::uint16_t port)
{
  sys::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at{};
  at.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &at.sin_addr);
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's own shape.
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  ::inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
  at.sin_port = htons(port);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  return fd;
}

constexpr const char* plain_get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

} // namespace

TEST_SUITE("net::TlsServer")
{
  const TestTls tls;
  const auto server = tls.serving();
  const auto serving = [] { return server; };

  TEST_CASE("a client's certificate, if it has one, is told to the handler with its address")
  {
    const Handler handler = [](const http::Request& asked, const Responder& to) {
      CHECK(to.peer().address == "127.0.0.1");
      echo_peer(asked, to);
    };
    with_tls_server({}, handler, serving, [&](std::uint16_t port) {
      CHECK(*ask_body(port, tls.trusting()) == "GET  []");
      CHECK(*ask_body(port, tls.with_certificate(tls.client)) ==
            fmt::format("GET  [{}]", hex(tls.client.der)));
    });
    const auto asks_nobody = *TlsServer::create({tls.server.pem, tls.server.key_pem, ""});
    with_tls_server(
        {}, handler, [&] { return asks_nobody; },
        [&](std::uint16_t port) {
          CHECK(*ask_body(port, tls.with_certificate(tls.client)) == "GET  []");
        });
  }

  TEST_CASE("the authority is known by name and key: a replica's certificates are taken too")
  {
    TestIdentity with_replica = tls.client;
    with_replica.pem += tls.clients.certificate_pem(86'400);
    auto usage = tls.clients.leaf();
    usage.server_auth = true; // says nothing of what it may do here
    with_tls_server({}, echo_peer, serving, [&](std::uint16_t port) {
      CHECK(ask_body(port, tls.with_certificate(with_replica)));
      CHECK(ask_body(port, tls.with_certificate(tls.clients.issue(usage))));
    });
  }

  TEST_CASE("a certificate that does not do ends the handshake, with an alert that says so")
  {
    auto old = tls.clients.leaf();
    old.not_after = TestAuthority::in_days(-1);
    auto early = tls.clients.leaf();
    early.not_before = TestAuthority::in_days(2);
    const TestAuthority same_name{"Test Clients"};
    TestIdentity forged = tls.client;
    forged.pem = tls.clients.issue(tls.clients.leaf()).pem; // of another key
    const auto middle_key = crypto::P256Key::generate();
    auto middle = tls.clients.leaf();
    middle.subject = {"", "Middle"};
    middle.ca_path_length = 0;
    auto below = tls.clients.leaf();
    below.issuer = {"", "Middle"};
    TestIdentity indirect;
    const auto key = crypto::P256Key::generate();
    indirect.key_pem = key.pkcs8_pem();
    indirect.pem =
        x509::to_pem(*x509::make_app_certificate(below, key.spki_der(), middle_key)) +
        x509::to_pem(*x509::make_app_certificate(middle, middle_key.spki_der(), tls.clients.key()));
    std::atomic<int> handled = 0;
    const Handler handler = [&](const http::Request&, const Responder&) { ++handled; };
    with_tls_server({}, handler, serving, [&](std::uint16_t port) {
      for (const TestIdentity& bad :
           {tls.root.issue(tls.root.leaf()), same_name.issue(same_name.leaf()),
            tls.clients.issue(old), tls.clients.issue(early), indirect}) {
        const auto got = ask_body(port, tls.with_certificate(bad));
        REQUIRE(!got);
        INFO(got.error().message());
        CHECK(got.error().code() == Errc::denied);
      }
      CHECK(!ask_body(port, tls.with_certificate(forged)));
    });
    CHECK(handled == 0);
  }

  TEST_CASE("certificates with evidence in them are large, up to a limit")
  {
    const auto with_extension = [&](std::size_t size) {
      auto spec = tls.clients.leaf();
      spec.extensions = {{"1.3.6.1.4.1.62397.1.8", Bytes(size, 7), false}};
      return tls.clients.issue(spec);
    };
    with_tls_server({}, echo_peer, serving, [&](std::uint16_t port) {
      const TestIdentity large = with_extension(max_peer_certificates - 2000);
      const auto got = ask_body(port, tls.with_certificate(large));
      REQUIRE(got);
      CHECK(*got == fmt::format("GET  [{}]", hex(large.der)));
      CHECK(!ask_body(port, tls.with_certificate(with_extension(max_peer_certificates))));
      CHECK(ask_body(port, tls.trusting()));
    });
  }

  TEST_CASE("curl is served, with its certificate and in both versions")
  {
    const TestFiles files;
    const std::string ca = files.holding("ca.pem", tls.root.pem());
    const std::string cert = files.holding("client.pem", tls.client.pem);
    const std::string key = files.holding("client.key", tls.client.key_pem);
    with_tls_server({}, echo_peer, serving, [&](std::uint16_t port) {
      const std::string url = fmt::format("https://localhost:{}/", port);
      for (const char* version : {"1.2", "1.3"}) {
        const sys::Output out =
            run_program({"curl", "-sS", "--cacert", ca, "--cert", cert, "--key", key, "--tlsv1.2",
                         "--tls-max", version, "-d", "body", url, url});
        INFO(out.err);
        const std::string once = fmt::format("POST body [{}]", hex(tls.client.der));
        CHECK(out.out == once + once);
      }
      const sys::Output none = run_program({"curl", "-sS", "--cacert", ca, url});
      CHECK(none.out == "GET  []");
    });
  }

  TEST_CASE("neither older versions, nor resumption, nor renegotiation, nor other protocols")
  {
    with_tls_server({}, echo_peer, serving, [&](std::uint16_t port) {
      for (const char* version : {"-tls1", "-tls1_1"}) {
        const std::string out = s_client(port, {version, "-cipher", "DEFAULT:@SECLEVEL=0"});
        CHECK(has(out, "alert protocol version"));
      }
      CHECK(has(s_client(port, {"-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"}),
                "alert handshake failure"));
      const std::string again = s_client(port, {"-tls1_2", "-reconnect"});
      CHECK(has(again, "New, TLSv1.2"));
      CHECK(!has(again, "Reused"));
      const std::string ticket = s_client(port, {"-tls1_3", "-ign_eof"}, plain_get);
      CHECK(has(ticket, "HTTP/1.1 200 OK"));
      CHECK(!has(ticket, "Post-Handshake New Session Ticket"));
      CHECK(has(s_client(port, {"-tls1_2"}, "R\n"), "no renegotiation"));
      CHECK(has(s_client(port, {"-alpn", "h2,http/1.1"}), "ALPN protocol: http/1.1"));
      CHECK(has(s_client(port, {"-alpn", "h2"}), "alert no application protocol"));
      CHECK(has(s_client(port, {}), "Test Clients")); // asks for a certificate by this name
    });
  }

  TEST_CASE("those who do not speak TLS are told so, or cut off")
  {
    with_tls_server({}, echo_peer, serving, [&](std::uint16_t port) {
      const std::string plain = raw_exchange(connect_to(port), plain_get);
      CHECK(plain.starts_with("HTTP/1.1 400 Bad Request\r\n"));
      CHECK(has(plain, "this port speaks HTTPS"));
      const std::string garbage = raw_exchange(connect_to(port), std::string(3000, '\xfe'));
      CHECK(garbage.size() < 100);
      CHECK(!has(garbage, "HTTP"));
      CHECK(raw_exchange(connect_to(port),
                         std::string("\x16\x03\x01\x40\x00", 5) + std::string(16384, '\0'))
                .size() < 100);
      CHECK(ask_body(port, tls.trusting()));
    });
  }

  TEST_CASE("idle clients and half handshakes are cut off in time, however slowly they send")
  {
    ServerLimits quick;
    quick.idle = milliseconds{60};
    quick.request = milliseconds{150};
    with_tls_server(quick, echo_peer, serving, [&](std::uint16_t port) {
      std::int64_t began = sys::monotonic_ms();
      CHECK(raw_exchange(connect_to(port), "").empty());
      CHECK(sys::monotonic_ms() - began < 2000);
      began = sys::monotonic_ms();
      CHECK(raw_exchange(connect_to(port), std::string("\x16\x03\x01\x02\x00\x01", 6)).empty());
      CHECK(sys::monotonic_ms() - began >= 100);
      CHECK(sys::monotonic_ms() - began < 2000);
      const sys::Fd slow = connect_to(port);
      const std::string hello = std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
      std::size_t sent = 0;
      for (std::size_t i = 0; i < 100; ++i) {
        const char byte = i < hello.size() ? hello[i] : '\0';
        if (!sys::write_all(slow.get(), as_bytes(std::string_view{&byte, 1}))) break;
        std::array<pollfd, 1> wait{pollfd{slow.get(), POLLIN, 0}};
        if (::poll(wait.data(), 1, 20) != 0) break;
        ++sent;
      }
      CHECK(sent < 30);
      // A handshake that is through, and then nothing.
      auto client = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(client);
      ::poll(nullptr, 0, 200);
      CHECK(!client->exchange(request_of("GET", "/"), test_limits));
    });
  }

  TEST_CASE("a thousand idle connections do not stop others, nor do half handshakes")
  {
    constexpr rlim_t needed = 2500;
    rlimit files{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
    if (files.rlim_cur < needed && files.rlim_max >= needed) {
      files.rlim_cur = needed;
      REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
    }
    for (const std::size_t most : {std::size_t{64}, std::size_t{1100}}) {
      ServerLimits patient;
      patient.max_connections = most;
      patient.idle = std::chrono::seconds{25};
      with_tls_server(patient, echo_peer, serving, [&](std::uint16_t port) {
        auto early = TlsClient::connect(connect_to(port), tls.trusting(), soon);
        REQUIRE(early);
        std::vector<sys::Fd> held;
        for (int i = 0; i < 1000; ++i) {
          held.push_back(connect_to(port));
          if (i % 2 == 0)
            static_cast<void>(sys::write_all(held.back().get(), as_bytes("\x16\x03\x01")));
          if (i % 100 == 50) CHECK(ask_body(port, tls.with_certificate(tls.client)));
        }
        CHECK(ask_body(port, tls.trusting()));
        if (most > 1000) CHECK(early->exchange(request_of("GET", "/"), test_limits));
      });
    }
  }

  TEST_CASE("an address has its share of the connections: its own oldest one goes")
  {
    ServerLimits few;
    few.max_per_address = 2;
    with_tls_server(few, echo_peer, serving, [&](std::uint16_t port) {
      auto other = TlsClient::connect(connect_from("127.0.0.2", port), tls.trusting(), soon);
      REQUIRE(other);
      auto first = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      auto second = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE((first && second));
      REQUIRE(first->exchange(request_of("GET", "/"), test_limits));
      auto third = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(third);
      CHECK(third->exchange(request_of("GET", "/"), test_limits));
      CHECK(!second->exchange(request_of("GET", "/"), test_limits));
      CHECK(first->exchange(request_of("GET", "/"), test_limits));
      const auto answer = other->exchange(request_of("GET", "/"), test_limits);
      REQUIRE(answer);
      CHECK(answer->headers.at(0).value == "127.0.0.2");
    });
  }

  TEST_CASE("when an address has all its connections answered, it is turned away; others are not")
  {
    ServerLimits few;
    few.max_per_address = 1;
    const sys::Pipe seen = *sys::make_pipe();
    std::vector<Responder> held;
    const Handler hold = [&](const http::Request& asked, const Responder& to) {
      if (asked.target != "/hold") return echo_peer(asked, to);
      held.push_back(to);
      REQUIRE(sys::write_all(seen.write.get(), as_bytes("x")));
    };
    with_tls_server(few, hold, serving, [&](std::uint16_t port) {
      auto first = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(first);
      CHECK(!first->exchange(request_of("GET", "/hold"), {milliseconds{50}, {}}));
      REQUIRE(sys::read_some(seen.read.get(), 1));
      CHECK(!ask_body(port, tls.trusting()));
      auto other = TlsClient::connect(connect_from("127.0.0.2", port), tls.trusting(), soon);
      REQUIRE(other);
      CHECK(other->exchange(request_of("GET", "/"), test_limits));
    });
  }

  TEST_CASE("answers in pieces, and clients that go or do not read, are handled as without TLS")
  {
    ServerLimits quick;
    quick.write = milliseconds{150};
    std::atomic<int> gone = 0;
    std::vector<Responder> waiting;
    const Handler handler = [&](const http::Request& asked, const Responder& to) {
      to.on_gone([&] { ++gone; });
      if (asked.target == "/large") return to.send({200, {}, std::string(32 << 20, 'b')});
      to.stream_start({200, {}, ""});
      for (int i = 0; i < 100; ++i)
        to.stream_piece(std::string(1000, 'p'));
      if (asked.target == "/wait")
        waiting.push_back(to);
      else
        to.stream_finish();
    };
    const auto until = [&](int count) {
      for (int i = 0; gone < count && i < 500; ++i)
        ::poll(nullptr, 0, 10);
      return gone == count;
    };
    with_tls_server(quick, handler, serving, [&](std::uint16_t port) {
      const auto whole = ask_body(port, tls.trusting());
      REQUIRE(whole);
      CHECK(*whole == std::string(100'000, 'p'));
      CHECK(gone == 0);
      {
        auto leaving = TlsClient::connect(connect_to(port), tls.trusting(), soon);
        REQUIRE(leaving);
        CHECK(!leaving->exchange(request_of("GET", "/wait"), {milliseconds{30}, {}}));
      }
      CHECK(until(1));
      auto deaf = TlsClient::connect(connect_to(port), tls.trusting(), soon);
      REQUIRE(deaf);
      CHECK(!deaf->exchange(request_of("GET", "/large"), {milliseconds{1}, {}}));
      CHECK(until(2));
    });
  }

  TEST_CASE("a new certificate is for new connections; with none they are closed")
  {
    const TestIdentity next = tls.root.issue(tls.root.leaf());
    std::vector<std::shared_ptr<const TlsServer>> servers{
        tls.serving(), *TlsServer::create({next.pem, next.key_pem, ""}), nullptr};
    std::size_t at = 0;
    with_tls_server(
        {}, echo_peer, [&] { return servers.at(at++); },
        [&](std::uint16_t port) {
          auto first = TlsClient::connect(connect_to(port), tls.trusting(), soon);
          REQUIRE(first);
          auto second = TlsClient::connect(connect_to(port), tls.trusting(), soon);
          REQUIRE(second);
          CHECK(first->peer_certificate() == tls.server.der);
          CHECK(second->peer_certificate() == next.der);
          CHECK(first->exchange(request_of("GET", "/"), test_limits));
          CHECK(!TlsClient::connect(connect_to(port), tls.trusting(), soon));
        });
  }

  TEST_CASE("what cannot be served with is said")
  {
    const auto refused = [](const TlsServerSettings& settings) {
      const auto made = TlsServer::create(settings);
      REQUIRE(!made);
      CHECK(made.error().code() == Errc::malformed);
    };
    refused({"", "", ""});
    refused({tls.server.pem, "", ""});
    refused({tls.server.pem, tls.client.key_pem, ""});
    refused({tls.server.key_pem, tls.server.key_pem, ""});
    refused({tls.server.pem, tls.server.key_pem, "no certificate"});
    refused({tls.server.pem, tls.server.key_pem, std::string(2 << 20, 'x')});
  }
}

} // namespace dstack::net
