#include "route/wireguard.hpp"

#include <algorithm>
#include <limits>

namespace dstack::route {

namespace {

constexpr std::size_t key_size = 32;
constexpr std::size_t key_text = 44;

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t most)
{
  const std::uint64_t value = TRY(parse_u64(text));
  if (value > most) return fail(Errc::malformed, "{} (at most {})", value, most);
  return value;
}

Result<std::uint16_t> parse_u16(std::string_view text)
{
  return static_cast<std::uint16_t>(
      TRY(parse_number(text, std::numeric_limits<std::uint16_t>::max())));
}

/// Without the zone that stands behind a link-local address.
std::string without_zone(std::string_view endpoint)
{
  const auto zone = endpoint.find('%');
  if (zone == std::string_view::npos) return std::string{endpoint};
  const auto end = std::min(endpoint.find(']', zone), endpoint.size());
  return fmt::format("{}{}", endpoint.substr(0, zone), endpoint.substr(end));
}

Result<std::vector<Network>> parse_allowed(std::string_view text)
{
  std::vector<Network> out;
  if (text == "(none)") return out;
  for (const std::string_view one : split(text, ','))
    out.push_back(TRY(parse_network(one)));
  return out;
}

Result<WgPeerState> parse_peer(const std::vector<std::string_view>& words)
{
  constexpr std::size_t wanted = 8;
  if (words.size() != wanted)
    return fail(Errc::malformed, "a peer of {} words (want {})", words.size(), wanted);
  WgPeerState out;
  out.public_key = TRY(parse_wg_key(words[0]).within("public key"));
  if (words[2] != "(none)")
    out.endpoint = TRY(parse_endpoint(without_zone(words[2])).within("endpoint"));
  out.allowed = TRY(parse_allowed(words[3]).within("allowed IPs"));
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 1000);
  out.latest_handshake =
      static_cast<std::int64_t>(TRY(parse_number(words[4], most).within("handshake")));
  out.received_bytes = TRY(parse_u64(words[5]).within("received"));
  out.sent_bytes = TRY(parse_u64(words[6]).within("sent"));
  if (words[7] != "off") out.keepalive_seconds = TRY(parse_u16(words[7]).within("keepalive"));
  return out;
}

/// private key, public key, port, firewall mark.
Status parse_interface(const std::vector<std::string_view>& words, WgState& out)
{
  constexpr std::size_t wanted = 4;
  if (words.size() != wanted)
    return fail(Errc::malformed, "an interface of {} words (want {})", words.size(), wanted);
  if (words[1] != "(none)") out.public_key = TRY(parse_wg_key(words[1]).within("public key"));
  out.listen_port = TRY(parse_u16(words[2]).within("port"));
  return ok();
}

std::string peer_text(const WgPeer& peer)
{
  std::vector<std::string> allowed;
  for (const Network& network : peer.allowed)
    allowed.push_back(network.text());
  std::string out = fmt::format("\n[Peer]\nPublicKey = {}\n", base64(peer.public_key));
  // wg does not know the line without an address.
  if (!allowed.empty()) out += fmt::format("AllowedIPs = {}\n", join(allowed, ", "));
  if (peer.endpoint) out += fmt::format("Endpoint = {}\n", peer.endpoint->text());
  if (peer.keepalive_seconds != 0)
    out += fmt::format("PersistentKeepalive = {}\n", peer.keepalive_seconds);
  return out;
}

} // namespace

Result<std::array<std::uint8_t, 32>> parse_wg_key(std::string_view text)
{
  if (text.size() != key_text)
    return fail(Errc::malformed, "a key of {} characters (want {})", text.size(), key_text);
  const Bytes raw = TRY(parse_base64(text));
  if (raw.size() != key_size)
    return fail(Errc::malformed, "a key of {} bytes (want {})", raw.size(), key_size);
  std::array<std::uint8_t, key_size> out{};
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}

SecretBytes wg_config(const Secret<32>& private_key,
                      std::uint16_t listen_port,
                      const std::vector<WgPeer>& peers)
{
  std::string key = base64(private_key.view());
  SecretBytes out;
  out.append(as_bytes("[Interface]\nPrivateKey = ")).append(as_bytes(key));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): text as the bytes it is.
  wipe({reinterpret_cast<std::uint8_t*>(key.data()), key.size()});
  out.append(as_bytes(fmt::format("\nListenPort = {}\n", listen_port)));
  std::string rest;
  for (const WgPeer& peer : peers)
    rest += peer_text(peer);
  out.append(as_bytes(rest));
  return out;
}

Result<WgState> parse_wg_dump(std::string_view text)
{
  if (text.size() > max_wg_dump)
    return fail(Errc::malformed, "wg show: {} bytes (at most {})", text.size(), max_wg_dump);
  WgState out;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos)
      return fail(Errc::malformed, "wg show: line {} has no end", number + 1);
    const auto words = split(text.substr(0, end), '\t');
    text.remove_prefix(end + 1);
    ++number;
    if (number == 1)
      TRY(parse_interface(words, out).within("wg show: line 1"));
    else
      out.peers.push_back(TRY(parse_peer(words).within("wg show: line {}", number)));
  }
  if (number == 0) return fail(Errc::malformed, "wg show: no interface");
  return out;
}

} // namespace dstack::route
