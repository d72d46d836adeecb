#include "net/http_server.hpp"
#include "net/local_http.hpp"
#include "sys/sockets.hpp"
#include "sys/threads.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <sys/socket.h>

namespace dstack::net {
namespace {

constexpr LocalLimits limits{std::chrono::milliseconds{5000}, {}};

/// A server on its own loop in one task, the client in another.
void with_server(const ServerLimits& server_limits,
                 const Handler& handler,
                 const std::function<void(std::uint16_t port, sys::Loop& loop)>& client)
{
  const auto loop = *sys::Loop::create();
  HttpServer server{*loop, server_limits, handler};
  auto listener = *sys::listen_tcp("127.0.0.1", 0);
  const std::uint16_t port = *sys::local_port(listener.get());
  REQUIRE(server.serve(std::move(listener)));
  loop->after(std::chrono::seconds{20}, [&] { loop->stop(); });
  sys::Pipe done = *sys::make_pipe();
  REQUIRE(loop->watch(done.read.get(), 1, [&](std::uint32_t) { loop->stop(); }));
  const auto both = sys::run_parallel({[&]() -> Status { return loop->run(); },
                                       [&]() -> Status {
                                         client(port, *loop);
                                         return sys::write_all(done.write.get(), as_bytes("x"));
                                       }},
                                      2);
  CHECK(both);
}

sys::Fd connect(std::uint16_t port)
{
  return *sys::connect_tcp("127.0.0.1", port, std::chrono::seconds{5});
}

void echo(http::Request request, const Responder& responder)
{
  responder.send({200, {{"Content-Type", "text/plain"}}, request.method + " " + request.body});
}

} // namespace

TEST_SUITE("net")
{
  TEST_CASE("requests on one connection are answered in turn")
  {
    with_server({}, echo, [](std::uint16_t port, sys::Loop&) {
      const sys::Fd fd = connect(port);
      for (const char* body : {"one", "two"}) {
        const auto answer = exchange(
            fd.get(), {.method = "POST", .target = "/", .headers = {}, .body = body}, limits);
        REQUIRE(answer);
        CHECK(answer->body == fmt::format("POST {}", body));
      }
    });
  }

  TEST_CASE("a client that has closed its side still gets its answer, then the end")
  {
    with_server({}, echo, [](std::uint16_t port, sys::Loop&) {
      const sys::Fd fd = connect(port);
      REQUIRE(sys::write_all(fd.get(), as_bytes("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")));
      ::shutdown(fd.get(), SHUT_WR);
      const auto all = sys::read_to_end(fd.get(), 10'000);
      REQUIRE(all);
      CHECK(as_text(*all).starts_with("HTTP/1.1 200 OK\r\n"));
      CHECK(as_text(*all).ends_with("GET "));
    });
  }

  TEST_CASE("a malformed request gets 400 and the connection ends")
  {
    with_server({}, echo, [](std::uint16_t port, sys::Loop&) {
      const sys::Fd fd = connect(port);
      REQUIRE(sys::write_all(fd.get(), as_bytes("GET / HTTP/1.1\r\n\r\n")));
      const auto all = sys::read_to_end(fd.get(), 10'000);
      REQUIRE(all);
      CHECK(as_text(*all).starts_with("HTTP/1.1 400 "));
    });
  }

  TEST_CASE("an idle and a slow client are cut off")
  {
    ServerLimits quick;
    quick.idle = std::chrono::milliseconds{50};
    quick.request = std::chrono::milliseconds{100};
    with_server(quick, echo, [](std::uint16_t port, sys::Loop&) {
      const sys::Fd idle = connect(port);
      CHECK(sys::read_to_end(idle.get(), 100)->empty());
      const sys::Fd slow = connect(port);
      REQUIRE(sys::write_all(slow.get(), as_bytes("GET / HT")));
      CHECK(sys::read_to_end(slow.get(), 100)->empty());
    });
  }

  TEST_CASE("an unanswered request closes, a streamed one arrives in pieces")
  {
    const Handler handler = [](const http::Request& request, const Responder& responder) {
      if (request.target == "/drop") return;
      responder.stream_start({200, {{"Content-Type", "text/plain"}}, ""});
      responder.stream_piece("a");
      responder.stream_piece("b");
      responder.stream_finish();
    };
    with_server({}, handler, [](std::uint16_t port, sys::Loop&) {
      const sys::Fd dropped = connect(port);
      CHECK(!exchange(dropped.get(),
                      {.method = "GET", .target = "/drop", .headers = {}, .body = {}}, limits));
      const sys::Fd fd = connect(port);
      std::string got;
      const auto answer =
          exchange_stream(fd.get(), {.method = "GET", .target = "/", .headers = {}, .body = {}},
                          limits, [&](std::string_view piece) -> Status {
                            got += piece;
                            return ok();
                          });
      REQUIRE(answer);
      CHECK(answer->status == 200);
      CHECK(got == "ab");
    });
  }
}

} // namespace dstack::net
