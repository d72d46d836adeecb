#include "route/wireguard.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

// As wg 1.0.20210914 wrote it of a wireguard-go device; of the first peer the handshake and the
// counters, of the second the zone were put in. The keys were made for this.
constexpr std::string_view dump =
    "GKw4+DlaV9LlbXyjGkBJlKRDtFNY7UnFCUdA7Gcbkm0=\tGqCMWVOAoqjP9nvX4ZF7OAAlcjtC0GK2GTG6wNTXSjA="
    "\t51820\toff\n"
    "+Ab4FOg3mkvgjLIAA59iyEDtFvxSSxYmsucUsEFjlkw=\t(none)\t192.0.2.7:9182\t10.8.0.2/32\t1790000000"
    "\t1234\t98765432109\t25\n"
    "vtF/inRWLMvzXS4n232+8HgYU35RnON48wEoSuv5o18=\t(none)\t[2001:db8::7%3]:9182\t10.8.0.3/32,"
    "fd00::3/128\t0\t0\t0\toff\n"
    "UIIb5xyFx81SulIuaMPgqfCzeAMuMvSglpgbHDhaHSQ=\tsd7W+zmzRFX3+5K0EAs1DAAbSQ3T4ix7jmlMpTuXN08=\t"
    "(none)\t(none)\t0\t0\t0\toff\n";

std::string with(std::string_view from, std::string_view to)
{
  std::string text{dump};
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string dump_error(std::string_view text)
{
  const auto got = parse_wg_dump(text);
  return got ? "fine" : got.error().message();
}

} // namespace

TEST_SUITE("route::wireguard")
{
  TEST_CASE("what wg shows: endpoints, handshakes, counters")
  {
    const WgState state = *parse_wg_dump(dump);
    CHECK(state.listen_port == 51820);
    CHECK(base64(state.public_key) == "GqCMWVOAoqjP9nvX4ZF7OAAlcjtC0GK2GTG6wNTXSjA=");
    REQUIRE(state.peers.size() == 3);
    CHECK(state.peers[0].endpoint->text() == "192.0.2.7:9182");
    CHECK(state.peers[0].latest_handshake == 1'790'000'000);
    CHECK(state.peers[0].received_bytes == 1234);
    CHECK(state.peers[0].sent_bytes == 98'765'432'109);
    CHECK(state.peers[0].keepalive_seconds == 25);
    CHECK(state.peers[1].endpoint->text() == "[2001:db8::7]:9182");
    CHECK(state.peers[1].allowed.at(1).text() == "fd00::3/128");
    CHECK(!state.peers[2].endpoint);
    CHECK(state.peers[2].allowed.empty());
  }

  TEST_CASE("every truncation but at the end of a line is refused")
  {
    for (std::size_t n = 0; n < dump.size(); ++n) {
      CAPTURE(n);
      const bool whole_lines = n > 0 && dump[n - 1] == '\n';
      CHECK((dump_error(dump.substr(0, n)) == "fine") == whole_lines);
    }
  }

  TEST_CASE("errors name the line and the word")
  {
    CHECK(dump_error("") == "wg show: no interface");
    CHECK(dump_error(with("\t51820", "\t65536")) == "wg show: line 1: port: 65536 (at most 65535)");
    CHECK(dump_error(with("1790000000", "-1")).starts_with("wg show: line 2: handshake: "));
    CHECK(dump_error(with("192.0.2.7:9182", "host:9182")) ==
          "wg show: line 2: endpoint: \"host\" is no IP address");
    CHECK(
        dump_error(with("10.8.0.2/32", "10.8.0.2/30")).starts_with("wg show: line 2: allowed IPs"));
    CHECK(dump_error(with("+Ab4FO", "+Ab4F")) ==
          "wg show: line 2: public key: a key of 43 characters (want 44)");
    CHECK(dump_error(with("\t25\n", "\t25\t\n")) == "wg show: line 2: a peer of 9 words (want 8)");
  }

  TEST_CASE("a key is 32 bytes, written one way")
  {
    CHECK(parse_wg_key("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="));
    CHECK(!parse_wg_key("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dh=")); // trailing bits
    CHECK(!parse_wg_key("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D\n="));
    CHECK(!parse_wg_key(base64(Bytes(33))));
    CHECK(!parse_wg_key(base64(Bytes(31))));
    CHECK(!parse_wg_key(""));
  }

  TEST_CASE("a peer that may send from nowhere has no AllowedIPs line: wg refuses an empty one")
  {
    const SecretBytes text = wg_config(Secret<32>{}, 1, {WgPeer{}});
    CHECK(as_text(text.view()).find("AllowedIPs") == std::string_view::npos);
  }

  TEST_CASE("text for wg syncconf")
  {
    std::array<std::uint8_t, 32> raw{};
    raw.fill(1);
    WgPeer vm{raw, {*parse_network("10.8.0.2/32")}, std::nullopt, 25};
    WgPeer node{raw,
                {*parse_network("10.8.64.1/32"), *parse_network("fd00::1/128")},
                Endpoint{*parse_address("2001:db8::1"), 51820},
                0};
    const SecretBytes text = wg_config(Secret<32>{raw}, 51820, {vm, node});
    CHECK(as_text(text.view()) == "[Interface]\n"
                                  "PrivateKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
                                  "ListenPort = 51820\n"
                                  "\n"
                                  "[Peer]\n"
                                  "PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
                                  "AllowedIPs = 10.8.0.2/32\n"
                                  "PersistentKeepalive = 25\n"
                                  "\n"
                                  "[Peer]\n"
                                  "PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
                                  "AllowedIPs = 10.8.64.1/32, fd00::1/128\n"
                                  "Endpoint = [2001:db8::1]:51820\n");
  }
}

} // namespace dstack::route
