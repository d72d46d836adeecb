#include "http/message.hpp"

#include <doctest/doctest.h>

namespace dstack::http {
namespace {

constexpr MessageLimits limits{1024, 4096};

/// The request in one piece and byte by byte; both ways must agree.
std::string outcome(const std::string& text)
{
  RequestParser whole{limits};
  const auto fed = whole.feed(text);
  std::string first;
  if (!fed)
    first = fed.error().message();
  else if (!whole.complete())
    first = "incomplete";
  else {
    const Request request = whole.take();
    first = request.method + " " + request.target + " [" + request.body + "]";
  }
  RequestParser slow{limits};
  std::string second = "incomplete";
  for (const char c : text) {
    if (slow.complete()) break;
    const auto one = slow.feed(std::string_view{&c, 1});
    if (!one) {
      second = one.error().message();
      break;
    }
  }
  if (slow.complete()) {
    const Request request = slow.take();
    second = request.method + " " + request.target + " [" + request.body + "]";
  }
  CHECK(first == second);
  return first;
}

} // namespace

TEST_SUITE("http")
{
  TEST_CASE("ordinary requests parse, whole or byte by byte")
  {
    CHECK(outcome("GET /Info HTTP/1.1\r\nHost: localhost\r\n\r\n") == "GET /Info []");
    CHECK(outcome("POST /a?b=c HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhello") ==
          "POST /a?b=c [hello]");
    CHECK(outcome("POST /a HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") == "POST /a [abcde]");
    CHECK(outcome("GET / HTTP/1.1\r\nHo") == "incomplete");
  }

  TEST_CASE("a target may be absolute, as the Rust SDK writes it")
  {
    const auto split = [](std::string target) {
      Request request;
      request.target = std::move(target);
      return std::string{request.path()} + " " + std::string{request.query()};
    };
    CHECK(split("http://unix.socket/GetTlsKey") == "/GetTlsKey ");
    CHECK(split("http://localhost:80/prpc/Info?a=http://b/c") == "/prpc/Info a=http://b/c");
    CHECK(split("http://localhost") == "/ ");
    CHECK(split("/a?b") == "/a b");
    CHECK(split("//unix.socket/GetTlsKey") == "//unix.socket/GetTlsKey ");
    CHECK(outcome("POST http://unix.socket/a HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\n\r\nx") ==
          "POST http://unix.socket/a [x]");
    CHECK(outcome("GET http://unix.socket/a HTTP/1.1\r\n\r\n") == "GET http://unix.socket/a []");
    CHECK(outcome("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") ==
          "HTTP: no single Host header");
    CHECK(outcome("GET /a HTTP/1.1\r\n\r\n") == "HTTP: no single Host header");
  }

  TEST_CASE("whatever lets two parsers disagree is refused, with the reason")
  {
    struct Case {
      const char* rest; ///< after the request line
      const char* reason;
    };
    constexpr Case cases[] = {
        {"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
         "HTTP: more than one Content-Length"},
        {"Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "HTTP: "},
        {"Host: a\r\nContent-Length: 1, 1\r\n\r\nx", "HTTP: Content-Length is not one number"},
        {"Host: a\r\nContent-Length: +1\r\n\r\nx", "HTTP: "},
        {"Host: a\r\nContent-Length: 0x1\r\n\r\nx", "HTTP: "},
        {"Host: a\r\nContent-Length: -1\r\n\r\nx", "HTTP: "},
        {"Host: a\r\nContent-Length:\r\n\r\nx", "HTTP: "},
        {"Host: a\r\nContent-Length: 18446744073709551616\r\n\r\nx", "HTTP: "},
        {"Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP: "},
        {"Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "HTTP: "},
        {"Host: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
         "HTTP: transfer coding other than chunked"},
        {"Host: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
         "HTTP: transfer coding other than chunked"},
        {"Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
         "HTTP: transfer coding other than chunked"},
        {"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP: "},
        {"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n",
         "HTTP: fields after the body"},
        {"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", "HTTP: "},
        {"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", "HTTP: "},
        {"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy0\r\n\r\n", "HTTP: "},
        {"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n", "HTTP: "},
        {"Host: a\r\nX: b\r\n c\r\n\r\n", "HTTP: folded header line"},
        {"Host: a\r\nX: b\r\n\tc\r\n\r\n", "HTTP: folded header line"},
        {" Host: a\r\n\r\n", "HTTP: folded header line"},
        {"Host: a\n\r\n", "HTTP: line ends without CRLF"},
        {"Host: a\rX: b\r\n\r\n", "HTTP: line ends without CRLF"},
        {"Host : a\r\n\r\n", "HTTP: "},
        {": a\r\nHost: a\r\n\r\n", "HTTP: "},
        {"Host: a\r\nno colon\r\n\r\n", "HTTP: "},
        {"Host: a\r\nX: \x01\r\n\r\n", "HTTP: "},
        {"\r\n", "HTTP: no single Host header"},
        {"Host: a\r\nHost: a\r\n\r\n", "HTTP: no single Host header"},
        {"Host: a\r\nhost: b\r\n\r\n", "HTTP: no single Host header"},
    };
    for (const Case& one : cases) {
      CAPTURE(one.rest);
      CHECK(outcome(std::string{"POST / HTTP/1.1\r\n"} + one.rest).starts_with(one.reason));
    }
    const auto refused = [](const std::string& text) {
      return outcome(text).starts_with("HTTP: ");
    };
    CHECK(outcome("GET / HTTP/1.0\r\nHost: a\r\n\r\n") == "HTTP: version is not 1.1");
    CHECK(refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n"));
    CHECK(refused("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(refused("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(refused("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(refused("\x16\x03\x01 tls\r\n\r\n"));
  }

  TEST_CASE("limits hold to the byte")
  {
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    const auto padded = [&](std::size_t total) {
      return start + std::string(total - start.size() - 4, 'x') + "\r\n\r\n";
    };
    CHECK(outcome(padded(1024)) == "GET / []");
    CHECK(outcome(padded(1025)) == "HTTP: header larger than 1024 bytes");
    CHECK(outcome(start + std::string(2000, 'x')) == "HTTP: header larger than 1024 bytes");
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
    CHECK(outcome(post + "Content-Length: 4096\r\n\r\n" + std::string(4096, 'b')) ==
          "POST / [" + std::string(4096, 'b') + "]");
    CHECK(outcome(post + "Content-Length: 4097\r\n\r\n") ==
          "failed to read data: payload too large (more than 4096 bytes)");
    const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
    CHECK(outcome(chunked + "1001\r\n") ==
          "failed to read data: payload too large (more than 4096 bytes)");
    std::string many = chunked;
    for (int i = 0; i < 5; ++i)
      many += "400\r\n" + std::string(1024, 'c') + "\r\n";
    CHECK(outcome(many + "0\r\n\r\n") ==
          "failed to read data: payload too large (more than 4096 bytes)");
    CHECK(outcome(chunked + "1;" + std::string(900, 'e') + "\r\nx\r\n0\r\n\r\n") == "POST / [x]");
    CHECK(outcome(chunked + "1;" + std::string(5000, 'e') + "\r\nx\r\n0\r\n\r\n") ==
          "HTTP: chunk header larger than 1024 bytes");
    CHECK(outcome(chunked + std::string(5000, '0')) == "HTTP: chunk header larger than 1024 bytes");
    CHECK(outcome(chunked + "0\r\n" + std::string(5000, 't')).starts_with("HTTP: "));
  }

  TEST_CASE("a refused message stays refused")
  {
    RequestParser parser{limits};
    CHECK(!parser.feed("GET / HTTP/1.1\r\n\r\n"));
    CHECK(!parser.complete());
    CHECK(!parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(!parser.complete());
  }

  TEST_CASE("a second request waits for its turn")
  {
    const std::string one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    RequestParser parser{limits};
    CHECK(*parser.feed(one + "GET /2") == one.size());
    CHECK(parser.take().target == "/1");
    CHECK(parser.fresh());
    CHECK(*parser.feed("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n") == one.size());
    CHECK(parser.take().target == "/2");
  }

  TEST_CASE("responses parse with and without a length, and stream")
  {
    ResponseParser sized{limits};
    CHECK(sized.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    CHECK(sized.complete());
    CHECK(sized.take().body == "hi");
    ResponseParser open{limits};
    CHECK(open.feed("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart one"));
    CHECK(open.headers_complete());
    CHECK(open.drain_body() == "part one");
    CHECK(open.feed(", part two"));
    CHECK(open.end_of_input());
    CHECK(open.drain_body() == ", part two");
    ResponseParser cut{limits};
    CHECK(cut.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi"));
    CHECK(!cut.end_of_input());
  }

  TEST_CASE("interim answers are passed over, also byte by byte")
  {
    const std::string text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
                             "HTTP/1.1 204 No Content\r\n\r\n";
    ResponseParser whole{limits};
    CHECK(*whole.feed(text + "rest") == text.size());
    REQUIRE(whole.complete());
    CHECK(whole.status() == 204);
    CHECK(whole.take().headers.empty());
    ResponseParser slow{limits};
    for (const char c : text)
      REQUIRE(slow.feed({&c, 1}));
    CHECK(slow.complete());
    CHECK(slow.status() == 204);
    ResponseParser cut{limits};
    CHECK(cut.feed("HTTP/1.1 100 Continue\r\n\r\n"));
    CHECK(!cut.end_of_input());
  }

  TEST_CASE("a drained stream may be longer than the limit, a held one may not")
  {
    const std::string piece = "800\r\n" + std::string(2048, 's') + "\r\n";
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    ResponseParser drained{limits};
    CHECK(drained.feed(head));
    std::size_t got = 0;
    for (int i = 0; i < 10; ++i) {
      REQUIRE(drained.feed(piece));
      got += drained.drain_body().size();
    }
    CHECK(drained.feed("0\r\n\r\n"));
    CHECK(drained.complete());
    CHECK(got == 20480);
    ResponseParser held{limits};
    CHECK(held.feed(head + piece));
    CHECK(held.feed(piece));
    const auto third = held.feed(piece);
    REQUIRE(!third);
    CHECK(third.error().message() ==
          "failed to read data: payload too large (more than 4096 bytes)");
    CHECK(!held.end_of_input());
    ResponseParser lying{limits};
    CHECK(lying.feed("HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n"));
    CHECK(!lying.feed(std::string(5000, 'l')));
  }

  TEST_CASE("what is written reads back, and values cannot start a new line")
  {
    const Response response{200, {{"X", "a\r\nEvil: 1"}}, "body"};
    ResponseParser reader{limits};
    CHECK(reader.feed(write_response(response, true)));
    REQUIRE(reader.complete());
    const Response back = reader.take();
    CHECK(back.headers.size() == 3);
    CHECK(back.headers[0].value == "a  Evil: 1");
    CHECK(back.body == "body");
    Request request;
    request.method = "POST";
    request.target = "/a?b";
    RequestParser parser{limits};
    CHECK(parser.feed(write_request(request, "h")));
    REQUIRE(parser.complete());
    const Request again = parser.take();
    CHECK(*again.header("host") == "h");
    CHECK(*again.header("CONTENT-LENGTH") == "0");
    CHECK(again.path() == "/a");
    CHECK(again.query() == "b");
    CHECK(again.keep_alive);
  }

  TEST_CASE("queries decode and encode")
  {
    const auto query = parse_query("a=1&b=x%20y&c&d=%2F+");
    REQUIRE(query);
    CHECK((*query)[1].value == "x y");
    CHECK((*query)[3].value == "/ ");
    CHECK(!parse_query("a=%zz"));
    CHECK(!parse_query("a=%2"));
    CHECK(percent_encode("a b/c") == "a%20b%2Fc");
  }
}

} // namespace dstack::http
