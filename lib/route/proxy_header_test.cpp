#include "route/proxy_header.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

using Version = ProxyHeader::Version;

/// The outcome in one line; every shorter prefix must need more or say the same.
std::string header_line(ByteView data)
{
  const auto out = read_proxy_header(data);
  for (std::size_t n = 0; n < data.size(); ++n) {
    const auto before = read_proxy_header(data.first(n));
    CHECK((std::holds_alternative<ProxyNeedMore>(before) || before == out));
  }
  if (const auto* refused = std::get_if<ProxyRefusal>(&out)) return refused->reason;
  if (const auto* header = std::get_if<ProxyHeader>(&out)) {
    const char* version = header->version == Version::v1 ? "v1" : "v2";
    if (!header->addresses) return fmt::format("{} {} itself", version, header->size);
    return fmt::format("{} {} {} {}", version, header->size, header->addresses->source.text(),
                       header->addresses->destination.text());
  }
  return "more";
}

std::string v1(std::string_view text)
{
  return header_line(as_bytes(text));
}

/// As `magic || command || family || length || rest`.
std::string v2(std::string_view rest_in_hex, std::size_t size)
{
  const Bytes head = *parse_hex(rest_in_hex.substr(0, 4));
  const Bytes rest = *parse_hex(rest_in_hex.substr(4));
  return header_line(ByteWriter{}
                         .put(*parse_hex("0d0a0d0a000d0a515549540a"))
                         .put(head)
                         .u16be(static_cast<std::uint16_t>(size))
                         .put(rest)
                         .take());
}

} // namespace

TEST_SUITE("route::proxy_header")
{
  TEST_CASE("version 1 as the specification shows it")
  {
    CHECK(v1("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n") ==
          "v1 47 192.168.0.1:56324 192.168.0.11:443");
    CHECK(v1("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n") ==
          "v1 56 255.255.255.255:65535 255.255.255.255:65535");
    CHECK(v1("PROXY TCP6 2001:db8::1 ::1 1 2\r\n") == "v1 32 [2001:db8::1]:1 [::1]:2");
    CHECK(v1("PROXY UNKNOWN\r\n") == "v1 15 itself");
    CHECK(v1("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n") == "v1 107 itself");
  }

  TEST_CASE("version 1 that is cut off needs more, up to 107 bytes")
  {
    CHECK(v1("") == "more");
    CHECK(v1("PRO") == "more");
    CHECK(v1("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r") == "more");
    CHECK(v1("PROXY UNKNOWN " + std::string(92, 'x')) == "more");
    CHECK(v1("PROXY UNKNOWN " + std::string(93, 'x')) == "PROXY v1: no line end within 107 bytes");
    CHECK(v1("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n") == "v1 107 itself");
    CHECK(v1("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n") ==
          "PROXY v1: no line end within 107 bytes");
  }

  TEST_CASE("version 1 that lies or is not text is refused")
  {
    for (const std::string_view bad :
         {"PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n", "PROXY TCP4 1.2.3.4 1.2.3.5 1 2 \r\n",
          "PROXY TCP4 1.2.3.4  1.2.3.5 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n",
          "PROXY TCP4 ::1 ::2 1 2\r\n", "PROXY TCP6 1.2.3.4 1.2.3.5 1 2\r\n",
          "PROXY TCP4 1.2.3.4 1.2.3.5 01 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.5 1 65536\r\n",
          "PROXY TCP4 1.2.3.4 1.2.3.5 -1 2\r\n", "PROXY TCP4 01.2.3.4 1.2.3.5 1 2\r\n",
          "PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n", "PROXY tcp4 1.2.3.4 1.2.3.5 1 2\r\n",
          "PROXY  TCP4 1.2.3.4 1.2.3.5 1 2\r\n", "PROXY \r\n", "PROXY TCP4\r\n"}) {
      CAPTURE(bad);
      CHECK(std::holds_alternative<ProxyRefusal>(read_proxy_header(as_bytes(bad))));
    }
    CHECK(v1("PROXY TCP4\t") == "PROXY v1: bytes that are not text");
    CHECK(v1("PROXY TCP4 1.2.3.4\rx") == "PROXY v1: bytes that are not text");
    CHECK(v1(std::string_view{"PROXY UNKNOWN \0\r\n", 17}) == "PROXY v1: bytes that are not text");
    CHECK(v1("GET / HTTP/1.1") == "the connection does not begin with a PROXY header");
    CHECK(v1("proxy") == "the connection does not begin with a PROXY header");
    CHECK(v1("\x16\x03\x01") == "the connection does not begin with a PROXY header");
  }

  TEST_CASE("version 2: TCP over IPv4 and IPv6, LOCAL, unknown families")
  {
    CHECK(v2("2111c0a80001c0a8000bdc0401bb", 12) == "v2 28 192.168.0.1:56324 192.168.0.11:443");
    CHECK(v2("2111c0a80001c0a8000bdc0401bb474554", 12) ==
          "v2 28 192.168.0.1:56324 192.168.0.11:443");
    CHECK(v2("2121"
             "20010db8000000000000000000000001"
             "00000000000000000000000000000001"
             "00010002",
             36) == "v2 52 [2001:db8::1]:1 [::1]:2");
    CHECK(v2("2000", 0) == "v2 16 itself");
    CHECK(v2("2100", 0) == "v2 16 itself");
    CHECK(v2("2011c0a80001c0a8000bdc0401bb", 12) == "v2 28 itself");
    CHECK(v2("2131" + std::string(432, '0'), 216) == "v2 232 itself");
  }

  TEST_CASE("version 2 that is cut off needs more; one that lies about its length is refused")
  {
    CHECK(v2("2111c0a80001c0a8000bdc0401", 12) == "more");
    CHECK(v2("2111c0a80001c0a8000bdc04", 10) ==
          "PROXY v2: addresses: need 2 bytes at offset 26, have 0");
    CHECK(v2("2121c0a80001c0a8000bdc0401bb", 12).starts_with("PROXY v2: addresses: need 16 bytes"));
    CHECK(v2("2131", 0).starts_with("PROXY v2: addresses: need 216 bytes"));
    CHECK(v2("2111", 2033) == "PROXY v2: 2049 bytes (at most 2048)");
    CHECK(v2("2111", 65535) == "PROXY v2: 65551 bytes (at most 2048)");
    CHECK(v2("2211", 12) == "PROXY v2: version and command 0x22");
    CHECK(v2("1111", 12) == "PROXY v2: version and command 0x11");
    CHECK(v2("2112c0a80001c0a8000bdc0401bb", 12) == "PROXY v2: address family 0x12 (want TCP)");
    CHECK(header_line(*parse_hex("0d0a0d0a000d0a515549540b")) ==
          "the connection does not begin with a PROXY header");
  }

  TEST_CASE("TLVs must be as long as they say, and a checksum right")
  {
    const std::string addresses = "2111c0a80001c0a8000bdc0401bb";
    const std::string good = "v2 {} 192.168.0.1:56324 192.168.0.11:443";
    CHECK(v2(addresses + "040000", 15) == fmt::format(fmt::runtime(good), 31));
    CHECK(v2(addresses + "0200026162", 17) == fmt::format(fmt::runtime(good), 33));
    CHECK(v2(addresses + "0200036162", 17).starts_with("PROXY v2: TLV: need 3 bytes"));
    CHECK(v2(addresses + "02", 13).starts_with("PROXY v2: TLV: need 2 bytes"));
    CHECK(v2(addresses + "03000401020304", 19) == "PROXY v2: the checksum is wrong");
    CHECK(v2(addresses + "03000301020304", 18).starts_with("PROXY v2: a checksum of 3 bytes"));
    CHECK(v2(addresses + "0300041c1ae9c6", 19) == fmt::format(fmt::runtime(good), 35));
  }

  TEST_CASE("what is written reads back, in the version that came in")
  {
    const ProxyAddresses both{{*parse_address("192.0.2.1"), 5}, {*parse_address("10.0.0.1"), 443}};
    const ProxyAddresses six{{*parse_address("2001:db8::1"), 5}, {*parse_address("::1"), 443}};
    for (const Version version : {Version::v1, Version::v2})
      for (const auto& addresses : {std::optional{both}, std::optional{six}, {}}) {
        const Bytes written = write_proxy_header(version, addresses);
        CHECK(read_proxy_header(written) ==
              ProxyOutcome{ProxyHeader{version, addresses, written.size()}});
      }
    CHECK(to_text(write_proxy_header(Version::v1, both)) ==
          "PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\n");
  }

  TEST_CASE("addresses of two families: IPv4-mapped in version 2, unknown in version 1")
  {
    const ProxyAddresses mixed{{*parse_address("2001:db8::1"), 5},
                               {*parse_address("10.0.0.1"), 443}};
    CHECK(header_line(write_proxy_header(Version::v2, mixed)) ==
          "v2 52 [2001:db8::1]:5 10.0.0.1:443");
    CHECK(to_text(write_proxy_header(Version::v1, mixed)) == "PROXY UNKNOWN\r\n");
  }

  TEST_CASE("a header is required of trusted peers and believed from nobody else")
  {
    const ProxyTrust trust{{*parse_network("10.0.0.0/8"), *parse_network("2001:db8::/64")}};
    const auto of = [&](std::string_view peer) {
      return expect_proxy_header(trust, *parse_address(peer));
    };
    CHECK(of("10.1.2.3") == ProxyExpectation::required);
    CHECK(of("::ffff:10.1.2.3") == ProxyExpectation::required);
    CHECK(of("2001:db8::9") == ProxyExpectation::required);
    CHECK(of("192.0.2.1") == ProxyExpectation::none);
    CHECK(of("::1") == ProxyExpectation::none);
    CHECK(expect_proxy_header({}, *parse_address("127.0.0.1")) == ProxyExpectation::none);
  }
}

} // namespace dstack::route
