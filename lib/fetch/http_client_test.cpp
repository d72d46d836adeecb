#include "fetch/http_client.hpp"

#include "fetch/proxy.hpp"
#include "fetch/redirect.hpp"
#include "fetch/test_server.hpp"

#include <doctest/doctest.h>
#include <map>

namespace dstack::fetch {
namespace {

using std::chrono::milliseconds;

ClientRequest get(std::string url)
{
  ClientRequest out;
  out.url = std::move(url);
  return out;
}

ClientLimits limits(int redirects = 0)
{
  ClientLimits out;
  out.total = milliseconds{5000};
  out.max_redirects = redirects;
  return out;
}

/// Without the environment's proxies: these tests talk to themselves.
struct NoProxy {
  NoProxy() { ::setenv("no_proxy", "127.0.0.1", 1); }
};

std::function<std::string(const char*)> variables(std::map<std::string, std::string> values)
{
  return [values = std::move(values)](const char* name) {
    const auto at = values.find(name);
    return at == values.end() ? std::string{} : at->second;
  };
}

} // namespace

TEST_SUITE("fetch::HttpClient")
{
  const NoProxy no_proxy;

  TEST_CASE("any status is an answer; methods, headers and bodies arrive")
  {
    const net::Handler handler = [](const http::Request& asked, const net::Responder& to) {
      const std::string* extra = asked.header("X-Extra");
      to.send({asked.target == "/gone" ? 404 : 200,
               {{"X-Back", extra == nullptr ? "none" : *extra}},
               asked.method + " " + asked.body});
    };
    with_server(handler, [](const std::string& base) {
      HttpClient client;
      const auto gone = client.send(get(base + "/gone"), limits());
      REQUIRE(gone);
      CHECK(gone->status == 404);
      CHECK(gone->body == "GET ");
      const auto post =
          client.send({"POST", base, {{"X-Extra", "e"}}, std::string{"a\0b", 3}}, limits());
      REQUIRE(post);
      CHECK(post->body == std::string{"POST a\0b", 8});
      bool found = false;
      for (const http::Header& header : post->headers)
        found = found || (header.name == "X-Back" && header.value == "e");
      CHECK(found);
      const auto head = client.send({"HEAD", base, {}, ""}, limits());
      REQUIRE(head);
      CHECK(head->body.empty());
      const auto deleted = client.send({"DELETE", base, {}, ""}, limits());
      REQUIRE(deleted);
      CHECK(deleted->body == "DELETE ");
      CHECK(!client.send({"PATCH", base, {}, ""}, limits()));
      CHECK(!client.send({"GET", base, {{"A", "b\r\nC: d"}}, ""}, limits()));
    });
  }

  TEST_CASE("requests one after another, also of a copy, need one connection")
  {
    net::ServerLimits one;
    one.max_connections = 1;
    const net::Handler handler = [](const http::Request&, const net::Responder& to) {
      to.send({200, {}, "x"});
    };
    with_server(
        handler,
        [](const std::string& base) {
          HttpClient client;
          HttpClient copy = client;
          for (HttpClient* each : {&client, &copy, &client})
            CHECK(each->send(get(base), limits())->status == 200);
        },
        one);
  }

  TEST_CASE("the size limit holds for announced, chunkless and sunk bodies")
  {
    const net::Handler handler = [](const http::Request& asked, const net::Responder& to) {
      if (asked.target == "/sized") return to.send({200, {}, std::string(5000, 's')});
      if (asked.target == "/error") return to.send({500, {}, "why"});
      to.stream_start({200, {}, ""});
      for (int i = 0; i < 5; ++i)
        to.stream_piece(std::string(1000, 'p'));
      to.stream_finish();
    };
    with_server(handler, [](const std::string& base) {
      HttpClient client;
      ClientLimits small = limits();
      small.max_body = 4999;
      for (const char* path : {"/sized", "/stream"}) {
        const auto refused = client.send(get(base + path), small);
        REQUIRE(!refused);
        CHECK(refused.error().code() == Errc::malformed);
        CHECK(refused.error().message() ==
              fmt::format("GET {}{}: the answer is larger than 4999 bytes", base, path));
      }
      std::size_t got = 0;
      const BodySink count = [&](ByteView piece) -> Status {
        got += piece.size();
        return ok();
      };
      small.max_body = 5000;
      const auto sunk = client.send(get(base + "/stream"), small, count);
      REQUIRE(sunk);
      CHECK(sunk->body.empty());
      CHECK(got == 5000);
      CHECK(client.send(get(base + "/error"), small, count)->body == "why");
      const BodySink stop = [](ByteView) -> Status { return fail(Errc::io, "disk full"); };
      const auto stopped = client.send(get(base + "/sized"), small, stop);
      REQUIRE(!stopped);
      CHECK(stopped.error().message().ends_with("/sized: disk full"));
    });
  }

  TEST_CASE("redirects are followed as far as allowed and lose credentials at another host")
  {
    const net::Handler handler = [](const http::Request& asked, const net::Responder& to) {
      const std::string host = *asked.header("Host");
      const std::string other = "http://localhost" + host.substr(host.find(':')) + "/here";
      if (asked.target == "/near") return to.send({302, {{"Location", "/here"}}, "moved"});
      if (asked.target == "/far") return to.send({307, {{"Location", other}}, "moved"});
      if (asked.target == "/loop") return to.send({301, {{"Location", "/loop"}}, ""});
      if (asked.target == "/file") return to.send({302, {{"Location", "file:///etc/passwd"}}, ""});
      const std::string* token = asked.header("Authorization");
      to.send({200, {}, token == nullptr ? "no token" : *token});
    };
    with_server(handler, [](const std::string& base) {
      ::setenv("no_proxy", "127.0.0.1,localhost", 1);
      HttpClient client;
      const auto ask = [&](const char* path, int redirects) {
        ClientRequest request = get(base + path);
        request.headers = {{"Authorization", "t"}};
        const auto answer = client.send(request, limits(redirects));
        return answer ? fmt::format("{} {}", answer->status, answer->body)
                      : answer.error().message();
      };
      CHECK(ask("/near", 0) == "302 moved");
      CHECK(ask("/near", 1) == "200 t");
      CHECK(ask("/far", 1) == "200 no token");
      CHECK(ask("/loop", 3) == fmt::format("GET {}/loop: more than 3 redirects", base));
      CHECK(ask("/file", 3).find("file:") != std::string::npos);
      const auto post = client.send({"POST", base + "/near", {}, "b"}, limits(3));
      REQUIRE(post);
      CHECK(post->status == 302);
    });
  }

  TEST_CASE("failures name the URL and the reason, and come in time")
  {
    HttpClient client;
    const auto port = *sys::free_port("127.0.0.1");
    const auto refused = client.send(get(fmt::format("http://127.0.0.1:{}/x", port)), limits());
    REQUIRE(!refused);
    CHECK(refused.error().code() == Errc::io);
    CHECK(refused.error().message().starts_with(fmt::format("GET http://127.0.0.1:{}/x: ", port)));
    CHECK(refused.error().message().find("onnect") != std::string::npos);
    for (const char* url : {"ftp://127.0.0.1/", "file:///etc/passwd", "", "http://"})
      CHECK(!client.send(get(url), limits()));
    const auto deaf = *sys::listen_tcp("127.0.0.1", 0);
    ClientLimits quick;
    quick.total = milliseconds{100};
    const auto late =
        client.send(get(fmt::format("http://127.0.0.1:{}", *sys::local_port(deaf.get()))), quick);
    REQUIRE(!late);
    CHECK(late.error().code() == Errc::timeout);
  }
}

TEST_SUITE("fetch::redirected")
{
  TEST_CASE("never from https to anything else, and credentials stay at home")
  {
    const auto next = [](const char* from, const char* to) {
      const auto request = redirected({"GET", from, {{"AUTHORIZATION", "t"}, {"A", "b"}}, ""}, to);
      return request ? fmt::format("{} {}", request->url, request->headers.size())
                     : std::string{name_of(request.error().code())};
    };
    CHECK(next("https://a/x", "http://a/x") == "denied");
    CHECK(next("HTTPS://a/x", "file:///x") == "denied");
    CHECK(next("https://a/x", "https://a/y") == "https://a/y 2");
    CHECK(next("https://a/x", "HTTPS://A?y") == "HTTPS://A?y 2");
    CHECK(next("https://a/x", "https://a:444/y") == "https://a:444/y 1");
    CHECK(next("https://a/x", "https://a.b/y") == "https://a.b/y 1");
    CHECK(next("http://a/x", "https://a/x") == "https://a/x 1");
  }
}

TEST_SUITE("fetch::proxy_note")
{
  TEST_CASE("the proxy is named without its password, and only when it is used")
  {
    const auto get_value = variables({{"https_proxy", "http://user:secret@proxy.corp:3128/"},
                                      {"HTTP_PROXY", "http://ignored"},
                                      {"no_proxy", "localhost, .inside.corp,10.0.0.1"}});
    CHECK(proxy_note("https://registry.example/v2/", get_value) ==
          " (through the proxy proxy.corp:3128 from https_proxy)");
    CHECK(proxy_note("http://registry.example/", get_value).empty());
    CHECK(proxy_note("https://a.inside.corp:5000/", get_value).empty());
    CHECK(proxy_note("https://inside.corp/", get_value).empty());
    CHECK(!proxy_note("https://notinside.corp/", get_value).empty());
    CHECK(proxy_note("https://10.0.0.1/", get_value).empty());
    CHECK(proxy_note("https://x/", variables({{"ALL_PROXY", "p:1"}, {"NO_PROXY", "*"}})).empty());
    CHECK(proxy_note("http://x/", variables({{"ALL_PROXY", "p:1"}})) ==
          " (through the proxy p:1 from ALL_PROXY)");
    CHECK(host_of("https://u:p@[::1]:5000/x?y") == "::1");
    CHECK(host_of("http://Host:80") == "host");
  }
}

} // namespace dstack::fetch
