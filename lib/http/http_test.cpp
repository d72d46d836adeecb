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

  TEST_CASE("whatever lets two parsers disagree is refused")
  {
    const auto refused = [](const std::string& text) { return outcome(text).find("HTTP: ") == 0; };
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"));
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"));
    CHECK(refused(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx"));
    CHECK(refused(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx"));
    CHECK(refused(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"));
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"));
    CHECK(refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n"));
    CHECK(refused("GET / HTTP/1.1\r\n\r\n"));
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"));
    CHECK(outcome("GET / HTTP/1.0\r\nHost: a\r\n\r\n") == "HTTP: version is not 1.1");
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"));
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x')));
    CHECK(refused("\x16\x03\x01 tls\r\n\r\n"));
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
