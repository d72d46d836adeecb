#include "net/test_tls.hpp"
#include "net/tls.hpp"

#include <poll.h>
#include <sys/socket.h>

namespace dstack::net {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds soon{5000};
constexpr LocalLimits limits{soon, {}};

void echo(http::Request request, const Responder& responder)
{
  responder.send({200,
                  {{"X-Address", responder.peer().address},
                   {"X-Certificate", hex(responder.peer().certificate).substr(0, 4096)},
                   {"X-Host", *request.header("Host")}},
                  request.method + " " + request.body});
}

std::string header_of(const http::Response& response, std::string_view name)
{
  for (const http::Header& one : response.headers)
    if (one.name == name) return one.value;
  return "(none)";
}

/// One request over a connection of its own.
Result<http::Response> ask(std::uint16_t port, const TlsClientSettings& settings)
{
  auto client = TRY(TlsClient::connect(connect_to(port), settings, soon));
  return client.exchange(request_of("GET", "/"), limits);
}

} // namespace

TEST_SUITE("net::TlsClient")
{
  const TestTls tls;

  TEST_CASE("requests on one connection are answered in turn, whatever their size")
  {
    with_tls_server(
        {}, echo, [&] { return tls.serving(); },
        [&](std::uint16_t port) {
          auto client = TlsClient::connect(connect_to(port), tls.trusting(), soon);
          REQUIRE(client);
          CHECK(client->peer_certificate() == tls.server.der);
          const std::string large(5'000'000, 'l');
          for (const std::string& body :
               {std::string{"one"}, large, std::string{}, std::string{"two"}}) {
            const auto answer = client->exchange(request_of("POST", "/", body), limits);
            REQUIRE(answer);
            CHECK(answer->body == "POST " + body);
            CHECK(header_of(*answer, "X-Address") == "127.0.0.1");
            CHECK(header_of(*answer, "X-Certificate").empty());
            CHECK(header_of(*answer, "X-Host") == fmt::format("localhost:{}", port));
          }
        });
  }

  TEST_CASE("the server sees the certificate of a client that has one")
  {
    with_tls_server(
        {}, echo, [&] { return tls.serving(); },
        [&](std::uint16_t port) {
          const auto answer = ask(port, tls.with_certificate(tls.client));
          REQUIRE(answer);
          CHECK(header_of(*answer, "X-Certificate") == hex(tls.client.der));
        });
  }
}

} // namespace dstack::net
