#include "net/http_server.hpp"
#include "net/test_http.hpp"
#include "sys/threads.hpp"

#include <atomic>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

namespace dstack::net {
namespace {

using std::chrono::milliseconds;

/// A server on its own loop in one task, the client in another; on TCP and on a unix socket.
class Fixture {
public:
  using Client = std::function<void(const std::function<sys::Fd()>& connect)>;

  static void on_both(const ServerLimits& server, const Handler& handler, const Client& client)
  {
    on_tcp(server, handler, client);
    on_unix(server, handler, client);
  }

  static void on_tcp(const ServerLimits& server, const Handler& handler, const Client& client)
  {
    auto listener = *sys::listen_tcp("127.0.0.1", 0);
    const std::uint16_t port = *sys::local_port(listener.get());
    run(server, handler, std::move(listener), [&] {
      client([port] { return *sys::connect_tcp("127.0.0.1", port, milliseconds{5000}); });
    });
  }

  static void on_unix(const ServerLimits& server, const Handler& handler, const Client& client)
  {
    const auto folder = *sys::make_temp_directory(sys::fs::temp_directory_path(), "net-test");
    const auto path = folder / "s.sock";
    run(server, handler, *sys::listen_unix(path, 0600),
        [&] { client([path] { return *sys::connect_unix(path); }); });
    CHECK(sys::remove_tree(folder));
  }

private:
  static void run(const ServerLimits& server,
                  const Handler& handler,
                  sys::Fd listener,
                  const std::function<void()>& client)
  {
    const auto loop = *sys::Loop::create();
    HttpServer http{*loop, server, handler};
    REQUIRE(http.serve(std::move(listener)));
    loop->after(std::chrono::seconds{20}, [&] { loop->stop(); });
    sys::Pipe done = *sys::make_pipe();
    REQUIRE(loop->watch(done.read.get(), 1, [&](std::uint32_t) { loop->stop(); }));
    CHECK(sys::run_parallel({[&]() -> Status { return loop->run(); },
                             [&]() -> Status {
                               client();
                               return sys::write_all(done.write.get(), as_bytes("x"));
                             }},
                            2));
  }
};

std::size_t count(std::string_view text, std::string_view word)
{
  std::size_t n = 0;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
    ++n;
  return n;
}

void echo(http::Request request, const Responder& responder)
{
  responder.send({200, {{"Content-Type", "text/plain"}}, request.method + " " + request.body});
}

constexpr const char* get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

} // namespace

TEST_SUITE("net")
{
  TEST_CASE("requests on one connection are answered in turn")
  {
    Fixture::on_both({}, echo, [](const auto& connect) {
      const sys::Fd fd = connect();
      for (const char* body : {"one", "two"}) {
        const auto answer = exchange(fd.get(), request_of("POST", "/", body), test_limits);
        REQUIRE(answer);
        CHECK(answer->body == fmt::format("POST {}", body));
      }
    });
  }

  TEST_CASE("a client that has closed its side still gets its answers, then the end")
  {
    Fixture::on_both({}, echo, [](const auto& connect) {
      const sys::Fd fd = connect();
      REQUIRE(sys::write_all(fd.get(), as_bytes(std::string{get} + get)));
      ::shutdown(fd.get(), SHUT_WR);
      const std::string all = raw_exchange(fd, "");
      CHECK(all.starts_with("HTTP/1.1 200 OK\r\n"));
      CHECK(count(all, "\r\n\r\nGET ") == 2);
    });
  }

  TEST_CASE("trap 1: a keep-alive connection ends when the client closes its side after the answer")
  {
    ServerLimits patient;
    patient.idle = std::chrono::seconds{15};
    Fixture::on_both(patient, echo, [](const auto& connect) {
      const sys::Fd fd = connect();
      REQUIRE(exchange(fd.get(), request_of("GET", "/"), test_limits));
      ::shutdown(fd.get(), SHUT_WR);
      CHECK(raw_exchange(fd, "").empty());
    });
  }

  TEST_CASE("thousands of requests sent at once do not pile up")
  {
    Fixture::on_both({}, echo, [](const auto& connect) {
      const sys::Fd fd = connect();
      std::string many;
      for (int i = 0; i < 2000; ++i)
        many += get;
      many += "GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      CHECK(count(raw_exchange(fd, many), "HTTP/1.1 200 OK") == 2001);
    });
  }

  TEST_CASE("a malformed request gets 400 with the reason, even while more is on its way")
  {
    Fixture::on_both({}, echo, [](const auto& connect) {
      const std::string plain = raw_exchange(connect(), "GET / HTTP/1.1\r\n\r\n");
      CHECK(plain.starts_with("HTTP/1.1 400 Bad Request\r\n"));
      CHECK(plain.ends_with("{\n  \"error\": \"HTTP: no single Host header\"\n}"));
      const std::string pushed =
          raw_exchange(connect(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n" +
                                      std::string(100'000, 'x'));
      CHECK(pushed.find("failed to read data: payload too large") != std::string::npos);
    });
  }

  TEST_CASE("idle, slow and never-reading clients are cut off")
  {
    ServerLimits quick;
    quick.idle = milliseconds{50};
    quick.request = milliseconds{120};
    quick.write = milliseconds{100};
    const Handler handler = [](const http::Request&, const Responder& responder) {
      responder.send({200, {}, std::string(32 << 20, 'b')});
    };
    Fixture::on_both(quick, handler, [](const auto& connect) {
      CHECK(raw_exchange(connect(), "").empty());
      const sys::Fd slow = connect();
      const std::string text = get;
      std::size_t sent = 0;
      for (const char c : text.substr(0, 20)) { // a byte now and then does not extend the deadline
        if (!sys::write_all(slow.get(), as_bytes(std::string_view{&c, 1}))) break;
        std::array<pollfd, 1> wait{pollfd{slow.get(), POLLIN, 0}};
        if (::poll(wait.data(), 1, 25) != 0) break;
        ++sent;
      }
      CHECK(sent < 15);
      const sys::Fd deaf = connect();
      REQUIRE(sys::write_all(deaf.get(), as_bytes(get)));
      ::poll(nullptr, 0, 250);
      CHECK(raw_exchange(deaf, "").size() < std::size_t{32} << 20U);
    });
  }

  TEST_CASE("one connection more than allowed ends the one that waited longest")
  {
    ServerLimits few;
    few.max_connections = 2;
    Fixture::on_both(few, echo, [](const auto& connect) {
      const sys::Fd first = connect();
      const sys::Fd second = connect();
      REQUIRE(exchange(first.get(), request_of("GET", "/"), test_limits));
      REQUIRE(exchange(second.get(), request_of("GET", "/"), test_limits));
      REQUIRE(exchange(first.get(), request_of("GET", "/"), test_limits));
      const sys::Fd third = connect();
      REQUIRE(exchange(third.get(), request_of("GET", "/"), test_limits));
      CHECK(raw_exchange(second, "").empty());
      CHECK(exchange(first.get(), request_of("GET", "/"), test_limits));
      // Half a request does not count as one.
      const sys::Fd slow = connect();
      REQUIRE(sys::write_all(slow.get(), as_bytes("GET / HTTP/1.1\r\n")));
      const sys::Fd fourth = connect();
      const sys::Fd fifth = connect();
      CHECK(exchange(fourth.get(), request_of("GET", "/"), test_limits));
      CHECK(exchange(fifth.get(), request_of("GET", "/"), test_limits));
      const std::string ended =
          raw_exchange(slow, ""); // with a reset when its half was not read yet
      CHECK((ended.empty() || ended == "read: Connection reset by peer"));
    });
  }

  TEST_CASE("when every connection is being answered, one more is told so")
  {
    ServerLimits few;
    few.max_connections = 2;
    const sys::Pipe seen = *sys::make_pipe();
    std::vector<Responder> held;
    const Handler hold = [&](const http::Request&, const Responder& responder) {
      held.push_back(responder);
      REQUIRE(sys::write_all(seen.write.get(), as_bytes("x")));
    };
    Fixture::on_both(few, hold, [&seen](const auto& connect) {
      const sys::Fd first = connect();
      const sys::Fd second = connect();
      for (const sys::Fd* one : {&first, &second}) {
        REQUIRE(sys::write_all(one->get(), as_bytes(get)));
        REQUIRE(sys::read_some(seen.read.get(), 1)); // handed over
      }
      CHECK(raw_exchange(connect(), "").starts_with("HTTP/1.1 503 "));
    });
  }

  TEST_CASE("an unanswered request closes; a streamed answer arrives in pieces, also half-closed")
  {
    const Handler handler = [](const http::Request& asked, const Responder& responder) {
      if (asked.target == "/drop") return;
      responder.stream_start({200, {{"Content-Type", "text/plain"}}, ""});
      responder.stream_piece("a");
      responder.stream_piece("b");
      responder.stream_finish();
      CHECK(!responder.stream_piece("c"));
    };
    Fixture::on_both({}, handler, [](const auto& connect) {
      CHECK(!exchange(connect().get(), request_of("GET", "/drop"), test_limits));
      const sys::Fd fd = connect();
      std::string got;
      const auto answer = exchange_stream(fd.get(), request_of("GET", "/"), test_limits,
                                          [&](std::string_view piece) -> Status {
                                            got += piece;
                                            return ok();
                                          });
      REQUIRE(answer);
      CHECK(answer->status == 200);
      CHECK(got == "ab");
      const sys::Fd half = connect();
      REQUIRE(sys::write_all(half.get(), as_bytes(get)));
      ::shutdown(half.get(), SHUT_WR);
      CHECK(raw_exchange(half, "").ends_with("\r\n\r\nab"));
    });
  }

  TEST_CASE("HEAD is answered without the body, and the connection stays usable")
  {
    Fixture::on_both({}, echo, [](const auto& connect) {
      const std::string all =
          raw_exchange(connect(), "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
                                  "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      CHECK(all.find("Content-Length: 5\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200") !=
            std::string::npos);
    });
  }
}

TEST_SUITE("net::Responder")
{
  TEST_CASE("on_gone tells of a peer that left, and stays silent after a full answer")
  {
    std::atomic<int> gone = 0;
    std::vector<Responder> waiting;
    const Handler handler = [&](const http::Request& asked, const Responder& responder) {
      responder.on_gone([&] { ++gone; });
      if (asked.target == "/wait") {
        responder.stream_start({200, {}, ""});
        responder.stream_piece("start");
        waiting.push_back(responder);
      } else
        responder.send({200, {}, "done"});
    };
    Fixture::on_both({}, handler, [&](const auto& connect) {
      gone = 0;
      CHECK(raw_exchange(connect(), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .ends_with("done"));
      CHECK(gone == 0);
      {
        const sys::Fd fd = connect();
        REQUIRE(sys::write_all(fd.get(), as_bytes("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")));
        REQUIRE(sys::read_some(fd.get(), 10));
      }
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
      while (gone == 0 && std::chrono::steady_clock::now() < until)
        ::poll(nullptr, 0, 5);
      CHECK(gone == 1);
    });
  }

  TEST_CASE("a late answer to an earlier request does not reach the next one")
  {
    std::vector<Responder> earlier;
    const Handler handler = [&](const http::Request& asked, const Responder& responder) {
      if (asked.target == "/first") {
        responder.send({200, {}, "first"});
        earlier.push_back(responder);
        return;
      }
      earlier.back().send({200, {}, "wrong"});
      earlier.back().stream_start({200, {}, ""});
      responder.send({200, {}, "second"});
    };
    Fixture::on_tcp({}, handler, [](const auto& connect) {
      const sys::Fd fd = connect();
      CHECK(exchange(fd.get(), request_of("GET", "/first"), test_limits)->body == "first");
      CHECK(exchange(fd.get(), request_of("GET", "/second"), test_limits)->body == "second");
    });
  }

  TEST_CASE("a stream nobody reads is cut off at the stated amount")
  {
    ServerLimits small;
    small.max_unsent = 100'000;
    std::atomic<std::size_t> accepted = 0;
    const Handler handler = [&](const http::Request&, const Responder& responder) {
      responder.stream_start({200, {}, ""});
      const std::string piece(50'000, 'p');
      accepted = 0;
      while (accepted < 2000 && responder.stream_piece(piece))
        ++accepted;
    };
    Fixture::on_both(small, handler, [&](const auto& connect) {
      const sys::Fd fd = connect();
      REQUIRE(sys::write_all(fd.get(), as_bytes(get)));
      ::poll(nullptr, 0, 100);
      CHECK(raw_exchange(fd, "").size() < 2000 * 50'000);
      CHECK(accepted < 2000);
    });
  }
}

TEST_SUITE("net::exchange")
{
  TEST_CASE("a long stream is not bounded by the body limit, a held answer is")
  {
    const Handler handler = [](const http::Request& asked, const Responder& responder) {
      if (asked.target == "/held") return responder.send({200, {}, std::string(5000, 'h')});
      responder.stream_start({200, {}, ""});
      for (int i = 0; i < 10; ++i)
        responder.stream_piece(std::string(2000, 's'));
      responder.stream_finish();
    };
    LocalLimits small = test_limits;
    Fixture::on_unix({}, handler, [&](const auto& connect) {
      std::size_t got = 0;
      const auto count_bytes = [&](std::string_view piece) -> Status {
        got += piece.size();
        return ok();
      };
      small.message.max_body_bytes = 70'000; // one read's worth
      REQUIRE(exchange_stream(connect().get(), request_of("GET", "/"), small, count_bytes));
      CHECK(got == 20'000);
      small.message.max_body_bytes = 4096;
      const auto held = exchange(connect().get(), request_of("GET", "/held"), small);
      REQUIRE(!held);
      CHECK(held.error().code() == Errc::malformed);
    });
  }

  TEST_CASE("uploads send exactly what they announced; an early refusal is the answer")
  {
    ServerLimits tight;
    tight.message.max_body_bytes = 1000;
    Fixture::on_unix(tight, echo, [](const auto& connect) {
      int left = 3;
      const auto three = [&]() -> Result<Bytes> { return left-- > 0 ? to_bytes("abc") : Bytes{}; };
      const auto answer =
          exchange_upload(connect().get(), request_of("POST", "/"), 9, three, test_limits);
      REQUIRE(answer);
      CHECK(answer->body == "POST abcabcabc");
      left = 3;
      CHECK(!exchange_upload(connect().get(), request_of("POST", "/"), 8, three, test_limits));
      left = 3;
      CHECK(!exchange_upload(connect().get(), request_of("POST", "/"), 10, three, test_limits));
      int pieces = 64;
      const auto long_body = [&]() -> Result<Bytes> {
        return pieces-- > 0 ? Bytes(65536, 'l') : Bytes{};
      };
      const auto refused = exchange_upload(connect().get(), request_of("POST", "/"),
                                           std::uint64_t{64} * 65536, long_body, test_limits);
      REQUIRE(refused);
      CHECK(refused->status == 400);
    });
  }

  TEST_CASE("a server that says nothing is a timeout, one that breaks off an error")
  {
    int pair[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    const sys::Fd ours{pair[0]};
    sys::Fd theirs{pair[1]};
    const auto silent = exchange(ours.get(), request_of("GET", "/"), {milliseconds{50}, {}});
    REQUIRE(!silent);
    CHECK(silent.error().code() == Errc::timeout);
    REQUIRE(
        sys::write_all(theirs.get(), as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")));
    ::shutdown(theirs.get(), SHUT_WR);
    const auto cut = exchange(ours.get(), request_of("GET", "/"), test_limits);
    REQUIRE(!cut);
    CHECK(cut.error().code() == Errc::malformed);
  }
}

} // namespace dstack::net
