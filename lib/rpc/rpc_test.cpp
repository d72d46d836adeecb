#include "rpc/channel.hpp"
#include "rpc/prpc.hpp"

#include <doctest/doctest.h>

namespace dstack::rpc {

using codec::Json;

TEST_SUITE("rpc::channel")
{
  TEST_CASE("two ends talk: answers, errors, pieces, cancel")
  {
    std::string to_guest;
    std::string to_host;
    std::vector<Channel::Incoming> asked;
    std::vector<std::uint64_t> cancelled;
    Channel host{{[&](std::string s) { to_guest += s; }, [](const Channel::Incoming&) {}, {}}};
    Channel guest{{[&](std::string s) { to_host += s; },
                   [&](Channel::Incoming in) { asked.push_back(std::move(in)); },
                   [&](std::uint64_t id) { cancelled.push_back(id); }}};
    std::string got;
    std::string pieces;
    host.ask("Info", Json::object(), [&](const Result<Json>& r) { got = codec::write_json(*r); });
    host.ask(
        "Logs", Json{}.set("follow", true),
        [&](const Result<Json>& r) { got += r.error().message(); },
        [&](const Bytes& b) { pieces += to_text(b); });
    const auto third = host.ask("Slow", Json::object(), [&](const Result<Json>&) { got += "!"; });
    for (const char c : to_guest)
      REQUIRE(guest.feed(as_bytes({&c, 1})));
    REQUIRE(asked.size() == 3);
    CHECK(asked[1].params.get_bool("follow", false));
    guest.answer(asked[0].id, Json{}.set("ok", 1));
    guest.piece(asked[1].id, as_bytes("line 1\n"));
    guest.answer(asked[1].id, fail(Errc::denied, "enough"));
    host.cancel(third);
    guest.answer(asked[2].id, Json{1});
    REQUIRE(host.feed(as_bytes(to_host)));
    CHECK(got == "{\"ok\":1}enough");
    CHECK(pieces == "line 1\n");
    REQUIRE(guest.feed(as_bytes(std::string_view{to_guest}.substr(to_guest.rfind("{\"cancel\"")))));
    CHECK(cancelled == std::vector<std::uint64_t>{third});
  }

  TEST_CASE("a stream out of step is refused, a reset fails what was open")
  {
    std::string got;
    Channel channel{{[](const std::string&) {}, [](const Channel::Incoming&) {}, {}}};
    channel.ask("X", Json{}, [&](const Result<Json>& r) { got = r.error().message(); });
    CHECK(!channel.feed(as_bytes("not json\n")));
    CHECK(!channel.feed(as_bytes("[1]\n")));
    CHECK(!channel.feed(as_bytes("{\"id\":1}\n")));
    CHECK(channel.feed(as_bytes("{\"id\":77,\"result\":1}\n\n")));
    CHECK(!channel.feed(as_bytes(std::string(max_channel_line + 1, 'x'))));
    channel.reset();
    CHECK(got.find("anew") != std::string::npos);
  }
}

TEST_SUITE("rpc::prpc")
{
  TEST_CASE("paths, bodies and errors have the published shape")
  {
    Service service;
    service.trimmed_prefix = "Tappd.";
    service.methods["Echo"] = [](const Json& params) -> Result<Json> { return params; };
    service.methods["Nothing"] = [](const Json&) -> Result<Json> { return Json{}; };
    const auto ask = [&](const char* method, const char* target, const char* body) {
      const auto response =
          answer(service, {.method = method, .target = target, .headers = {}, .body = body});
      return fmt::format("{} {}", response.status, response.body);
    };
    CHECK(ask("POST", "/Echo", "{\"a\":\"\xc3\xa9\"}") == "200 {\"a\":\"\\u00e9\"}");
    CHECK(ask("POST", "/Tappd.Tappd.Echo", "") == "200 {}");
    CHECK(ask("GET", "/Echo?a=x%20y&l[0]=1&l[1]=2&json&b=true", "") ==
          "200 {\"a\":\"x y\",\"l\":[\"1\",\"2\"],\"b\":true}");
    CHECK(ask("POST", "/Nothing", "") == "200 null");
    CHECK(ask("POST", "/EmitEvent", "{}") ==
          "400 {\n  \"error\": \"Service not found: EmitEvent\"\n}");
    CHECK(ask("POST", "/Echo", "{\"a\":1,\"a\":2}")
              .starts_with("400 {\n  \"error\": \"JSON: key 'a' twice"));
    CHECK(ask("POST", "/Echo", "[]").starts_with("400 "));
    CHECK(ask("PUT", "/Echo", "{}").starts_with("404 "));
    CHECK(ask("GET", "/a/b", "").starts_with("404 "));
  }
}

} // namespace dstack::rpc
