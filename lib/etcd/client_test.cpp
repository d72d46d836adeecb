#include "etcd/client.hpp"

#include "fetch/test_server.hpp"

#include <doctest/doctest.h>

namespace dstack::etcd {

namespace {

http::Response json(int status, std::string body)
{
  return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

ClientSettings settings_of(std::vector<std::string> members)
{
  ::setenv("no_proxy", "127.0.0.1", 1);
  ClientSettings out;
  out.endpoints = std::move(members);
  return out;
}

constexpr const char* found = R"({"header":{"revision":"9"}})";

} // namespace

TEST_SUITE("etcd::Client")
{
  TEST_CASE("a member without a majority, or none at all: the next one is asked, and then first")
  {
    std::vector<std::string> asked;
    fetch::with_server(
        [&](const http::Request& request, const net::Responder& to) {
          asked.emplace_back(request.path());
          if (request.path().starts_with("/cut"))
            return to.send(json(503, R"({"error":"etcdserver: request timed out","code":14})"));
          to.send(json(200, found));
        },
        [&](const std::string& base) {
          Client client{settings_of({"http://127.0.0.1:1", base + "/cut", base})};
          CHECK(client.range({"/a", "", 0, 0})->revision == 9);
          CHECK(client.member() == base);
          CHECK(client.range({"/a", "", 0, 0}));
        });
    CHECK(asked == std::vector<std::string>{"/cut/v3/kv/range", "/v3/kv/range", "/v3/kv/range"});
  }

  TEST_CASE("what is refused is not asked of another")
  {
    int asked = 0;
    fetch::with_server(
        [&](const http::Request&, const net::Responder& to) {
          ++asked;
          to.send(json(404, R"({"error":"etcdserver: requested lease not found","code":5})"));
        },
        [&](const std::string& base) {
          Client client{settings_of({base, base})};
          CHECK(client.keep_alive(12).error().code() == Errc::not_found);
        });
    CHECK(asked == 1);
  }

  TEST_CASE("with a password a token is asked for, and again when it is over")
  {
    std::vector<std::string> tokens;
    int given = 0;
    fetch::with_server(
        [&](const http::Request& request, const net::Responder& to) {
          if (request.path() == "/v3/auth/authenticate") {
            CHECK(request.body == R"({"name":"gateway","password":"s3cret"})");
            return to.send(json(200, fmt::format(R"({{"token":"t{}"}})", ++given)));
          }
          tokens.push_back(*request.header("Authorization"));
          if (tokens.back() == "t1") return to.send(json(401, R"({"error":"x","code":16})"));
          to.send(json(200, found));
        },
        [&](const std::string& base) {
          ClientSettings settings = settings_of({base});
          settings.user = "gateway";
          settings.password = SecretBytes{as_bytes("s3cret")};
          Client client{std::move(settings)};
          CHECK(client.range({"/a", "", 0, 0}));
        });
    CHECK(tokens == std::vector<std::string>{"t1", "t2"});
  }

  TEST_CASE("a watch gives the first events; nothing is not an error")
  {
    std::string answer = R"({"result":{"header":{"revision":"9"},"created":true}})"
                         "\n";
    fetch::with_server(
        [&](const http::Request& request, const net::Responder& to) {
          CHECK(*request.header("Grpc-Metadata-Hasleader") == "true");
          to.send(json(200, answer));
        },
        [&](const std::string& base) {
          Client client{settings_of({base})};
          CHECK(client.watch("/a/", 5, std::chrono::seconds{5}).error().code() == Errc::io);
          answer += R"({"result":{"events":[{"kv":{"key":"YQ==","mod_revision":"10"}}]}})"
                    "\n{\"half";
          const auto told = client.watch("/a/", 5, std::chrono::seconds{5});
          REQUIRE_MESSAGE(told, told.error().message());
          CHECK(told->events.size() == 1);
          answer = R"({"result":{"canceled":true,"compact_revision":"7"}})"
                   "\n";
          CHECK(client.watch("/a/", 5, std::chrono::seconds{5})->compacted == 7);
          client.stop();
          CHECK(client.watch("/a/", 5, std::chrono::seconds{5})->events.empty());
        });
  }
}

} // namespace dstack::etcd
