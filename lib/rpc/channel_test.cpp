#include "rpc/channel.hpp"

#include "base/text.hpp"

#include <doctest/doctest.h>

namespace dstack::rpc {

using codec::Json;

namespace {

std::vector<ChannelEvent> feed(Channel& channel, std::string_view text)
{
  return channel.feed(as_bytes(text));
}

std::string drain(Channel& channel)
{
  std::string out{channel.output()};
  channel.consume_output(out.size());
  return out;
}

template <class T> T only(const std::vector<ChannelEvent>& events)
{
  REQUIRE(events.size() == 1);
  REQUIRE(std::holds_alternative<T>(events[0]));
  return std::get<T>(events[0]);
}

} // namespace

TEST_SUITE("rpc::Channel")
{
  TEST_CASE("two ends talk: requests, answers, errors, pieces")
  {
    Channel host{1};
    Channel guest{500};
    const auto info = host.call("Info", Json::object());
    const auto logs = host.call("Logs", Json{}.set("follow", true));
    REQUIRE(logs);
    std::vector<ChannelEvent> asked;
    for (const char c : drain(host))
      for (auto& event : feed(guest, {&c, 1}))
        asked.push_back(std::move(event));
    REQUIRE(asked.size() == 2);
    CHECK(std::get<RequestEvent>(asked[0]).method == "Info");
    CHECK(*std::get<RequestEvent>(asked[1]).params.get_bool("follow", false));
    CHECK(guest.answer(*info, Json{}.set("ok", 1)));
    CHECK(guest.piece(*logs, as_bytes("line 1\n")));
    CHECK(guest.answer(*logs, fail(Errc::denied, "enough")));
    const auto events = feed(host, drain(guest));
    REQUIRE(events.size() == 3);
    CHECK(codec::write_json(*std::get<AnswerEvent>(events[0]).result) == "{\"ok\":1}");
    CHECK(to_text(std::get<PieceEvent>(events[1]).data) == "line 1\n");
    const auto& end = std::get<AnswerEvent>(events[2]);
    CHECK(end.id == *logs);
    CHECK(end.result.error().code() == Errc::denied);
    CHECK(end.result.error().message() == "enough");
  }

  TEST_CASE("a cancelled request is served no further")
  {
    Channel host{1};
    Channel guest{1};
    const auto id = *host.call("Logs", Json{});
    feed(guest, drain(host));
    host.cancel(id);
    CHECK(guest.piece(id, as_bytes("late")));
    CHECK(feed(host, drain(guest)).empty());
    CHECK(only<CancelEvent>(feed(guest, drain(host))).id == id);
    CHECK(!guest.piece(id, as_bytes("x")));
    CHECK(!guest.answer(id, Json{1}));
    CHECK(guest.output().empty());
    CHECK(feed(guest, "{\"cancel\":99}\n").empty());
  }

  TEST_CASE("a line out of step is dropped and named, the next one counts")
  {
    Channel channel{1};
    REQUIRE(channel.call("X", Json{}));
    for (const char* bad :
         {"not json", "[1]", "{}", "{\"id\":1}", "{\"id\":-1,\"result\":1}", "{\"cancel\":\"x\"}",
          "{\"id\":7,\"method\":3}", "{\"id\":1,\"piece\":\"?\"}", "{\"id\":1,\"piece\":3}",
          "{\"id\":8,\"method\":\"M\",\"params\":[]}", "\xff",
          "{\"id\":5,\"resu{\"id\":6,\"method\":\"lost\"}"}) {
      CAPTURE(bad);
      const auto events = feed(channel, fmt::format("{}\n{{\"id\":9,\"method\":\"Next\"}}\n", bad));
      REQUIRE(events.size() == 2);
      CHECK(std::holds_alternative<GarbageEvent>(events[0]));
      CHECK(std::get<RequestEvent>(events[1]).method == "Next");
      CHECK(channel.answer(9, Json{}));
    }
    CHECK(feed(channel, "{\"id\":77,\"result\":1}\n\n \n").empty());
    CHECK(only<AnswerEvent>(feed(channel, "{\"id\":1,\"result\":2}\n")).id == 1);
    CHECK(feed(channel, "{\"id\":1,\"result\":2}\n").empty()); // answered once
  }

  TEST_CASE("a request made twice is garbage")
  {
    Channel channel{1};
    CHECK(feed(channel, "{\"id\":3,\"method\":\"A\"}\n").size() == 1);
    only<GarbageEvent>(feed(channel, "{\"id\":3,\"method\":\"B\"}\n"));
  }

  TEST_CASE("an over-long line is skipped to its end, whatever the pieces")
  {
    Channel channel{1, {.max_line_bytes = 40}};
    only<GarbageEvent>(feed(channel, std::string(41, 'x')));
    CHECK(feed(channel, "{\"id\":1,\"method\":\"A\"}").empty());
    CHECK(only<RequestEvent>(feed(channel, "\n{\"id\":2,\"method\":\"B\"}\n")).method == "B");
  }

  TEST_CASE("what is too large or too much is refused on either side")
  {
    Channel channel{1, {.max_line_bytes = 200, .max_calls = 2, .max_served = 2}};
    for (int i = 1; i <= 3; ++i)
      feed(channel, fmt::format("{{\"id\":{},\"method\":\"M\"}}\n", i));
    CHECK(drain(channel).find("\"id\":3,\"error\":{\"code\":\"denied\"") != std::string::npos);
    CHECK(channel.piece(1, Bytes(1000)));
    for (const auto line : split(drain(channel), '\n'))
      CHECK(line.size() <= 200);
    CHECK(channel.answer(1, Json{std::string(200, 'x')}));
    CHECK(drain(channel).find("does not fit") != std::string::npos);
    CHECK(!channel.call("A", Json{}.set("x", std::string(200, 'x'))));
    REQUIRE(channel.call("A", Json{}));
    REQUIRE(channel.call("B", Json{}));
    CHECK(!channel.call("C", Json{}));
  }

  TEST_CASE("after a reboot of the peer no call is answered any more")
  {
    Channel host{10};
    const auto a = *host.call("A", Json{});
    feed(host, "{\"id\":1,\"method\":\"Hello\"}\n");
    host.forget_calls();
    CHECK(feed(host, fmt::format("{{\"id\":{},\"result\":1}}\n", a)).empty());
    CHECK(host.answer(1, Json{}));
  }

  TEST_CASE("output may be taken in any portions")
  {
    Channel channel{1};
    std::string whole;
    for (int i = 0; i < 50; ++i) {
      REQUIRE(channel.call("Method", Json{}.set("text", std::string(5000, 'y'))));
      const std::size_t part = channel.output().size() / 2;
      whole += channel.output().substr(0, part);
      channel.consume_output(part);
    }
    whole += drain(channel);
    Channel peer{1};
    CHECK(feed(peer, whole).size() == 50);
  }

  TEST_CASE("codes survive the way")
  {
    CHECK(code_from_name(name_of(Errc::untrusted)) == Errc::untrusted);
    CHECK(code_from_name("whatever") == Errc::internal);
  }
}

} // namespace dstack::rpc
