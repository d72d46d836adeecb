#include "route/client_hello.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

namespace dstack::route {
namespace {

namespace fs = std::filesystem;

Bytes captured(const std::string& name)
{
  std::ifstream in{fs::path{DSTACK_SOURCE_DIR} / "tests/fuzz/corpus/route_hello" / name,
                   std::ios::binary};
  return to_bytes(std::string{std::istreambuf_iterator<char>{in}, {}});
}

HelloPeeker::Outcome peek(ByteView data, std::size_t step = 1U << 20U)
{
  HelloPeeker peeker;
  HelloPeeker::Outcome out;
  for (std::size_t at = 0; at < data.size(); at += step) {
    out = peeker.feed(data.subspan(at, std::min(step, data.size() - at)));
    if (!std::holds_alternative<HelloPeeker::NeedMore>(out)) break;
  }
  return out;
}

/// The outcome in one line, the same whole and byte by byte.
std::string hello_line(ByteView data)
{
  const auto out = peek(data);
  CHECK(out == peek(data, 1));
  if (const auto* refused = std::get_if<Rejection>(&out))
    return fmt::format("{}: {}", int{static_cast<std::uint8_t>(refused->alert)}, refused->reason);
  if (const auto* hello = std::get_if<Hello>(&out)) {
    std::string text = hello->server_name + hello->literal_address;
    for (const std::string& name : hello->alpn)
      text += " " + name;
    for (const std::uint16_t version : hello->versions)
      text += fmt::format(" {:x}", version);
    return text;
  }
  return "more";
}

Bytes vector16(ByteView content)
{
  return ByteWriter{}.u16be(static_cast<std::uint16_t>(content.size())).put(content).take();
}

Bytes extension(std::uint16_t type, ByteView value)
{
  return ByteWriter{}.u16be(type).put(vector16(value)).take();
}

Bytes name_entry(std::string_view name, std::uint8_t type = 0)
{
  return ByteWriter{}.u8(type).put(vector16(as_bytes(name))).take();
}

Bytes sni(std::string_view name)
{
  return extension(0, vector16(name_entry(name)));
}

/// A ClientHello of these extensions, as a handshake message.
Bytes message(ByteView extensions, std::size_t session = 0)
{
  const Bytes body = ByteWriter{}
                         .u16be(0x0303)
                         .zeros(32)
                         .u8(static_cast<std::uint8_t>(session))
                         .zeros(session)
                         .u16be(2)
                         .u16be(0x1301)
                         .u16be(0x0100)
                         .put(vector16(extensions))
                         .take();
  return ByteWriter{}
      .u8(1)
      .u8(static_cast<std::uint8_t>(body.size() >> 16U))
      .u16be(static_cast<std::uint16_t>(body.size()))
      .put(body)
      .take();
}

Bytes in_records(ByteView content, std::size_t each)
{
  ByteWriter out;
  for (std::size_t at = 0; at < content.size(); at += each)
    out.u8(22).u16be(0x0301).put(
        vector16(content.subspan(at, std::min(each, content.size() - at))));
  return out.take();
}

std::string line_of(ByteView extensions)
{
  return hello_line(in_records(message(extensions), 16384));
}

} // namespace

TEST_SUITE("route::client_hello")
{
  TEST_CASE("real clients are understood: openssl, curl, wget, python, node, go, chromium")
  {
    CHECK(hello_line(captured("openssl")) == "a1b2-8443s.apps.example.com 304 303 302 301");
    CHECK(hello_line(captured("openssl-no-sni")) == " 304 303 302 301");
    CHECK(hello_line(captured("openssl-tls1_2")) == "a1b2-8443s.apps.example.com h2 http/1.1 303");
    CHECK(hello_line(captured("openssl-tls1")) == "a1b2-8443s.apps.example.com 301");
    CHECK(hello_line(captured("openssl-dot")) == "a1b2-8443s.apps.example.com 304 303 302 301");
    CHECK(hello_line(captured("openssl-literal")) == "192.0.2.1 304 303 302 301");
    CHECK(hello_line(captured("curl")) ==
          "a1b2-8443s.apps.example.com h2 http/1.1 304 303 302 301");
    CHECK(hello_line(captured("curl-literal")) == " h2 http/1.1 304 303 302 301");
    CHECK(hello_line(captured("wget")) == "localhost 304 303 302 301");
    CHECK(hello_line(captured("python")) == "a1b2-8443s.apps.example.com 304 303");
    CHECK(hello_line(captured("python-alpn")) == "a1b2-8443s.apps.example.com h2 http/1.1 304 303");
    CHECK(hello_line(captured("python-no-sni")) == " 304 303");
    CHECK(hello_line(captured("python-tls1_2")) == "a1b2-8443s.apps.example.com 303");
    CHECK(hello_line(captured("node")) == "a1b2-8443s.apps.example.com h2 http/1.1 304 303");
    CHECK(hello_line(captured("go")) == "a1b2-8443s.apps.example.com h2 304 303");
    CHECK(hello_line(captured("chromium")) == "a1b2-8443s.apps.example.com h2 http/1.1 304 303");
    CHECK(hello_line(captured("openssl-fragments"))
              .starts_with("a1b2-8443s.apps.example.com protocol"));
    CHECK(hello_line(captured("openssl-long-alpn"))
              .starts_with("a1b2-8443s.apps.example.com protocol"));
  }

  TEST_CASE("split at every byte, a captured hello needs more until its last byte")
  {
    for (const char* name : {"openssl", "curl", "chromium", "go", "openssl-fragments"}) {
      CAPTURE(name);
      const Bytes data = captured(name);
      const auto whole = peek(data);
      REQUIRE(std::holds_alternative<Hello>(whole));
      for (std::size_t at = 1; at < data.size(); ++at) {
        HelloPeeker peeker;
        const auto first = peeker.feed(ByteView{data}.first(at));
        REQUIRE(std::holds_alternative<HelloPeeker::NeedMore>(first));
        REQUIRE(peeker.feed(ByteView{data}.subspan(at)) == whole);
        REQUIRE(equal(peeker.bytes(), data));
      }
    }
  }

  TEST_CASE("a hello in records of any size is the same hello (the name beyond byte 4096, too)")
  {
    const Bytes filler = extension(0xfafa, Bytes(9000));
    const Bytes hello = message(concat({filler, sni("a.example")}), 32);
    for (const unsigned each : {1U, 2U, 3U, 4U, 5U, 7U, 100U, 4096U, 16384U}) {
      CAPTURE(each);
      CHECK(hello_line(in_records(hello, each)) == "a.example 303");
    }
  }

  TEST_CASE("up to 16 KiB, in two records at least; one byte more is refused by its header alone")
  {
    const std::size_t others = message(sni("a.example")).size() - 4;
    const auto of_size = [&](std::size_t body) {
      return message(concat({extension(21, Bytes(body - others - 4)), sni("a.example")}));
    };
    REQUIRE(of_size(16384).size() == 16388);
    CHECK(hello_line(in_records(of_size(16384), 16384)) == "a.example 303");
    CHECK(hello_line(in_records(of_size(16385), 16384)) ==
          "47: a ClientHello of 16385 bytes (at most 16384)");
    CHECK(hello_line(in_records(Bytes{1, 0xff, 0xff, 0xff}, 16384)) ==
          "47: a ClientHello of 16777215 bytes (at most 16384)");
    // The same in records of one byte: more headers than content.
    CHECK(hello_line(in_records(of_size(16384), 1)) ==
          "47: a ClientHello in more than 65536 bytes");
    CHECK(hello_line(in_records(of_size(10000), 1)) == "a.example 303");
  }

  TEST_CASE("what follows the hello is kept and not judged")
  {
    const Bytes hello = in_records(message(sni("a.example")), 16384);
    for (const ByteView more : {as_bytes("early data"), as_bytes("\x17\x03\x03")}) {
      HelloPeeker peeker;
      const Bytes all = concat({hello, more});
      CHECK(std::holds_alternative<Hello>(peeker.feed(all)));
      CHECK(equal(peeker.take_bytes(), all));
    }
    const Bytes two = concat({message(sni("a.example")), as_bytes("\x0b\0\0\0")});
    CHECK(hello_line(in_records(two, 16384)) == "a.example 303");
  }

  TEST_CASE("what is not TLS is refused by its first bytes, without waiting for more")
  {
    CHECK(hello_line(as_bytes("G")) == "10: the first byte is 0x47: not TLS");
    CHECK(hello_line(as_bytes("\x80\x2e\x01\x03\x01")) == "70: the first byte is 0x80: not TLS");
    CHECK(hello_line(as_bytes("\x16\x02")) == "70: a record of SSL 2");
    CHECK(hello_line(as_bytes("PROXY TCP4 ")) == "10: the first byte is 0x50: not TLS");
    CHECK(hello_line(Bytes{22, 3, 1, 0, 0}) == "10: a handshake record without content");
    CHECK(hello_line(Bytes{22, 3, 1, 0x40, 1}) == "22: a record of 16385 bytes");
    CHECK(hello_line(Bytes{22, 3, 1, 0, 9, 2}) == "10: handshake message 2 (want a ClientHello)");
    CHECK(hello_line(Bytes{22, 3, 1, 0, 1, 1, 20}) ==
          "10: a record of type 20 inside the ClientHello");
    CHECK(hello_line(Bytes{22, 3, 1, 0, 4, 1, 0, 0, 0}) ==
          "50: ClientHello: version: need 2 bytes at offset 0, have 0");
    CHECK(hello_line(Bytes{}) == "more");
  }

  TEST_CASE("names: case, final dot, addresses, and what DNS could not know")
  {
    CHECK(line_of(sni("ABC-80.Example.COM.")) == "abc-80.example.com 303");
    CHECK(line_of(sni("_x.example")) == "_x.example 303");
    CHECK(line_of(sni("2001:db8::1")) == "2001:db8::1 303");
    CHECK(line_of(sni("10.1")) == "10.1 303");
    const std::string label(63, 'a');
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
    CHECK(line_of(sni(longest)) == longest + " 303");
    for (const std::string& bad :
         {longest + "b", label + "a.example", std::string{"a..example"}, std::string{"."},
          std::string{".a"}, std::string{"a.example.."}, std::string{"a b"}, std::string{"-a.b"},
          std::string{"a\0.example", 10}, std::string{"\xc3\xa4.example"}, std::string{"*.a"},
          std::string{"[::1]"}}) {
      CAPTURE(bad);
      CHECK(line_of(sni(bad)).starts_with("47: ClientHello: server_name: \""));
    }
    CHECK(line_of(sni("")) == "50: ClientHello: server_name: an empty name");
    CHECK(line_of(extension(0, vector16({}))) == "50: ClientHello: server_name: an empty list");
    CHECK(line_of(extension(0, {})).starts_with("50: ClientHello: server_name: need 2 bytes"));
  }

  TEST_CASE("a second name, a second extension and lists that lie are refused")
  {
    const Bytes a = name_entry("a.example");
    CHECK(line_of(extension(0, vector16(concat({a, name_entry("b.example")})))) ==
          "47: ClientHello: server_name: two host names");
    CHECK(line_of(extension(0, vector16(concat({name_entry("?", 9), a})))) == "a.example 303");
    CHECK(line_of(concat({sni("a.example"), sni("a.example")})) ==
          "47: ClientHello: extension 0 twice");
    CHECK(line_of(concat({extension(77, {}), sni("a.example"), extension(77, {})})) ==
          "47: ClientHello: extension 77 twice");
    CHECK(line_of(extension(0, concat({vector16(a), as_bytes("x")})))
              .starts_with("50: ClientHello: server_name: "));
    CHECK(line_of(extension(0, ByteWriter{}.u16be(99).put(a).take()))
              .starts_with("50: ClientHello: server_name: need 99 bytes"));
    CHECK(line_of(extension(16, vector16({}))) == "50: ClientHello: ALPN: an empty list");
    CHECK(line_of(extension(16, vector16(Bytes{0}))) == "50: ClientHello: ALPN: an empty name");
    CHECK(line_of(extension(43, Bytes{0})) == "50: ClientHello: supported_versions: an empty list");
    CHECK(line_of(extension(43, Bytes{1, 3})).starts_with("50: ClientHello: supported_versions"));
  }

  TEST_CASE("GREASE is passed over")
  {
    const Bytes grease = ByteWriter{}.u8(6).u16be(0x7a7a).u16be(0x0304).u16be(0x0303).take();
    CHECK(line_of(concat({extension(0x1a1a, {}), extension(43, grease), extension(0xdada, Bytes{0}),
                          sni("a.example")})) == "a.example 304 303");
    CHECK(is_grease(0x0a0a));
    CHECK(is_grease(0xfafa));
    CHECK(!is_grease(0x0a1a));
    CHECK(!is_grease(0x0304));
  }

  TEST_CASE("every truncation inside an intact frame is refused or another valid hello, never more")
  {
    const Bytes hello = message(concat({sni("a.example"), extension(43, Bytes{2, 3, 4})}), 5);
    for (std::size_t n = 4; n < hello.size(); ++n) {
      CAPTURE(n);
      Bytes cut{hello.begin(), hello.begin() + static_cast<std::ptrdiff_t>(n)};
      cut[2] = 0;
      cut[3] = static_cast<std::uint8_t>(n - 4);
      const auto out = peek(in_records(cut, 16384));
      const bool without_extensions = n == 4 + 2 + 32 + 1 + 5 + 4 + 2;
      CHECK(std::holds_alternative<Hello>(out) == without_extensions);
    }
  }

  TEST_CASE("an alert is one record, ready to send")
  {
    CHECK(hex(alert_record(Alert::unrecognized_name)) == "15030300020270");
  }
}

} // namespace dstack::route
