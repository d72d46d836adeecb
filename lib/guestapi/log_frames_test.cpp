#include "guestapi/log_frames.hpp"

#include <doctest/doctest.h>

using namespace std::string_view_literals;

namespace dstack::guestapi {

namespace {

std::string frame(char kind, std::string_view message)
{
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(kind)).zeros(3);
  out.u32be(static_cast<std::uint32_t>(message.size())).text(message);
  return to_text(out.bytes());
}

std::string formatted(std::string_view data, LogForm form, std::size_t step)
{
  LogFormatter formatter{form};
  std::string out;
  for (std::size_t at = 0; at < data.size(); at += step)
    out += formatter.feed(data.substr(at, step));
  return out + formatter.finish();
}

/// Whole, and checked to be the same byte by byte.
std::string formatted(std::string_view data, LogForm form)
{
  const std::string out = formatted(data, form, std::max<std::size_t>(1, data.size()));
  CHECK(formatted(data, form, 1) == out);
  return out;
}

constexpr LogForm json_form{};
constexpr LogForm text_form{.text = true};
constexpr LogForm bare_form{.bare = true};
constexpr LogForm plain_form{.text = true, .bare = true};
constexpr LogForm coloured_form{.text = true, .bare = true, .ansi = true};

} // namespace

TEST_SUITE("guestapi::LogFormatter")
{
  TEST_CASE("the four forms of the same two messages")
  {
    const std::string data = frame(1, "one\n") + frame(2, "\x1b[31mb\xff"
                                                          "d\x1b[0m\n");
    CHECK(formatted(data, json_form) ==
          "{\"channel\":\"stdout\",\"message\":\"b25lCg==\"}\n"
          "{\"channel\":\"stderr\",\"message\":\"G1szMW1i/2QbWzBtCg==\"}\n");
    CHECK(formatted(data, text_form) ==
          "{\"channel\":\"stdout\",\"message\":\"one\\n\"}\n"
          "{\"channel\":\"stderr\",\"message\":\"\\u001b[31mb\xef\xbf\xbd"
          "d\\u001b[0m\\n\"}\n");
    CHECK(formatted(data, bare_form) == "b25lCg==G1szMW1i/2QbWzBtCg==");
    CHECK(formatted(data, plain_form) == "one\nb\xef\xbf\xbd"
                                         "d\n");
    CHECK(formatted(data, coloured_form) == "one\n\x1b[31mb\xef\xbf\xbd"
                                            "d\x1b[0m\n");
  }

  TEST_CASE("stdin and empty messages have a place too")
  {
    CHECK(formatted(frame(0, "") + frame(1, ""), text_form) ==
          "{\"channel\":\"stdin\",\"message\":\"\"}\n{\"channel\":\"stdout\",\"message\":\"\"}\n");
    CHECK(formatted("", text_form).empty());
  }

  TEST_CASE("a terminal's output is lines of the console")
  {
    CHECK(formatted("login: root\r\n# ", text_form) ==
          "{\"channel\":\"console\",\"message\":\"login: root\\r\\n\"}\n"
          "{\"channel\":\"console\",\"message\":\"# \"}\n");
    CHECK(formatted("\x1b[1mhi\x1b[0m", plain_form) == "hi");
    CHECK(formatted("\1\0"sv, plain_form) == "");
    CHECK(formatted("\1\2\3ok", coloured_form) == "\1\2\3ok");
  }

  TEST_CASE("a colour that spans messages of one channel does not leak into the other")
  {
    const std::string data = frame(1, "a\x1b") + frame(2, "[x") + frame(1, "[1mb");
    CHECK(formatted(data, plain_form) == "a[xb");
  }

  TEST_CASE("long messages are cut, so memory stays bounded")
  {
    const std::string long_one(max_log_message + 10, 'x');
    const std::string out = formatted(frame(1, long_one), text_form, 1000);
    CHECK(std::count(out.begin(), out.end(), '\n') == 2);
    CHECK(formatted(frame(1, long_one), plain_form, 1000) == long_one);
    CHECK(formatted(frame(1, long_one), bare_form, 999) == base64(as_bytes(long_one)));
  }

  TEST_CASE("a broken stream says so and ends")
  {
    const std::string bad = frame(1, "one") + "\7\0\0\0\0\0\0\1x" + frame(1, "two");
    const std::string out = formatted(bad, plain_form);
    CHECK(out == "one{\"error\":\"log frame header 07\"}\n");
    const std::string data = frame(1, "one");
    for (std::size_t n = 4; n < data.size(); ++n) {
      CAPTURE(n);
      CHECK(formatted(std::string_view{data}.substr(0, n), plain_form) ==
            "{\"error\":\"log stream ended inside a frame\"}\n");
    }
  }

  TEST_CASE("errors are JSON whatever their text")
  {
    CHECK(log_error("Invalid since") == "{\"error\":\"Invalid since\"}\n");
    CHECK(log_error("a\"\n\xff") == "{\"error\":\"a\\\"\\n\xef\xbf\xbd\"}\n");
  }
}

TEST_SUITE("guestapi::LogDemuxer")
{
  TEST_CASE("whole and byte by byte give the same, stream by stream")
  {
    const std::string data = frame(1, "one\n") + frame(2, "bad\n") + frame(1, "two\n");
    const auto demux = [&](std::size_t step) {
      std::string out;
      LogDemuxer demuxer;
      const auto collect = [&](LogChannel channel, std::string_view piece, LogDemuxer::Part) {
        for (const char c : piece)
          out += {channel == LogChannel::err ? '2' : '1', c};
      };
      for (std::size_t at = 0; at < data.size(); at += step)
        REQUIRE(demuxer.feed(std::string_view{data}.substr(at, step), collect));
      REQUIRE(demuxer.finish(collect));
      return out;
    };
    CHECK(demux(data.size()) == "1o1n1e1\n2b2a2d2\n1t1w1o1\n");
    CHECK(demux(1) == demux(data.size()));
  }
}

TEST_SUITE("guestapi::lossy_utf8")
{
  TEST_CASE("each maximal broken piece is one replacement character")
  {
    // Unicode 15, table 3-8 and 3-11
    const std::string r = "\xef\xbf\xbd";
    CHECK(lossy_utf8("gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80") ==
          "gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(lossy_utf8("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41") ==
          r + r + r + r + r + r + r + r + "A");
    CHECK(lossy_utf8("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41") ==
          r + r + r + r + r + r + r + r + "A");
    CHECK(lossy_utf8("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42") ==
          r + r + r + r + r + "A" + r + r + "B");
    CHECK(lossy_utf8("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41") == r + r + r + r + "A");
    CHECK(lossy_utf8("\xe2\x82") == r);
  }
}

TEST_SUITE("guestapi::AnsiStripper")
{
  TEST_CASE("what a terminal would obey is gone, what it would show stays")
  {
    const auto strip = [](std::string_view given) {
      AnsiStripper whole;
      const std::string out = whole.feed(given);
      AnsiStripper pieces;
      std::string same;
      for (const char& c : given)
        same += pieces.feed({&c, 1});
      CHECK(same == out);
      return out;
    };
    CHECK(strip("\x1b[1;31mred\x1b[0m\ttab\r\n") == "red\ttab\r\n");
    CHECK(strip("\x1b]0;title\x07"
                "a\x1b]8;;http://x\x1b\\b\x1b]8;;\x1b\\c") == "abc");
    CHECK(strip("\x1b(B\x1b=\x1b"
                "7x\x1bPq#0\x1b\\y") == "xy");
    CHECK(strip("\xc2\x9b"
                "31mc\xc2\x9d"
                "0;t\xc2\x9c"
                "d\xc2\xa9\xc3\xa9") == "cd\xc2\xa9\xc3\xa9");
    CHECK(strip("\x1b[38:2:255:0:0mok\x1b[?25l\x1b[2 q.") == "ok.");
    CHECK(strip("bell\x07 back\x08 nul") == "bell back nul");
    CHECK(strip("\x1b[31\x18one\x1b[\x1b[0mtwo") == "onetwo");
    CHECK(strip("\x1b]0;never ends\nnext line") == "\nnext line");
    CHECK(strip("\x1b[12\nnext line") == "\nnext line");
    CHECK(strip("\x1b\xc3\xa9 [\xe2\x82\xac]") == "\xc3\xa9 [\xe2\x82\xac]");
  }
}

} // namespace dstack::guestapi
