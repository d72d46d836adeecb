// lib/route's side of tests/integration/wireguard. "config" reads {"private_key","listen_port",
// "peers":[{"public_key","allowed":[…],"endpoint","keepalive"}]} on stdin and prints what wg is to
// read; "dump" reads what wg shows and prints it as JSON; "allocate GATEWAY CLIENTS N" prints the
// first N addresses of a pool.
#include "codec/json.hpp"
#include "route/address_pool.hpp"
#include "route/wireguard.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>

namespace dstack {
namespace {

using codec::Json;

Result<route::Endpoint> endpoint_of(std::string_view text)
{
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::usage, "no port in {}", text);
  const route::Address address = TRY(route::parse_address(text.substr(0, colon)));
  const std::uint64_t port = TRY(parse_u64(text.substr(colon + 1)));
  return route::Endpoint{address, static_cast<std::uint16_t>(port)};
}

Result<route::WgPeer> peer_of(const Json& given)
{
  route::WgPeer out;
  out.public_key = TRY(route::parse_wg_key(TRY(given.need_string("public_key"))));
  for (const std::string& network : TRY(given.get_strings("allowed")))
    out.allowed.push_back(TRY(route::parse_network(network)));
  const std::string endpoint = TRY(given.get_string("endpoint", ""));
  if (!endpoint.empty()) out.endpoint = TRY(endpoint_of(endpoint));
  out.keepalive_seconds = static_cast<std::uint16_t>(TRY(given.get_u64("keepalive", 0)));
  return out;
}

Result<std::string> config(std::string_view input)
{
  const Json given = TRY(codec::parse_json(input));
  const auto key = TRY(route::parse_wg_key(TRY(given.need_string("private_key"))));
  std::vector<route::WgPeer> peers;
  for (const Json& peer : TRY(given.need_array("peers"))->items())
    peers.push_back(TRY(peer_of(peer)));
  const auto port = static_cast<std::uint16_t>(TRY(given.need_u64("listen_port")));
  return to_text(route::wg_config(Secret<32>{key}, port, peers).view());
}

Result<std::string> dump(std::string_view input)
{
  const route::WgState state = TRY(route::parse_wg_dump(input));
  Json peers = Json::array();
  for (const route::WgPeerState& peer : state.peers) {
    Json allowed = Json::array();
    for (const route::Network& network : peer.allowed)
      allowed.push(network.text());
    peers.push(Json{}
                   .set("public_key", base64(peer.public_key))
                   .set("endpoint", peer.endpoint ? peer.endpoint->text() : "")
                   .set("allowed", std::move(allowed))
                   .set("handshake", peer.latest_handshake)
                   .set("received", peer.received_bytes)
                   .set("sent", peer.sent_bytes)
                   .set("keepalive", unsigned{peer.keepalive_seconds}));
  }
  return write_json(Json{}
                        .set("public_key", base64(state.public_key))
                        .set("listen_port", unsigned{state.listen_port})
                        .set("peers", std::move(peers)));
}

Result<std::string> allocate(char** words)
{
  route::PoolSettings settings;
  settings.gateway = TRY(route::parse_address_in_network(words[0]));
  settings.clients = TRY(route::parse_network(words[1]));
  settings.reserved = {route::Network{settings.gateway.address, 32}};
  auto pool = TRY(route::AddressPool::create(settings));
  std::string out;
  for (std::uint64_t left = TRY(parse_u64(words[2])); left > 0; --left)
    out += TRY(pool.allocate()).text() + "\n";
  return out;
}

Result<std::string> run(int count, char** words)
{
  const std::string what = count > 1 ? words[1] : "";
  if (what == "allocate" && count == 5) return allocate(words + 2);
  const std::string input{std::istreambuf_iterator<char>{std::cin}, {}};
  if (what == "config") return config(input);
  if (what == "dump") return dump(input);
  return fail(Errc::usage, "config, dump or allocate GATEWAY CLIENTS N");
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  const auto out = dstack::run(argc, argv);
  if (!out) {
    std::fprintf(stderr, "%s\n", out.error().message().c_str());
    return 1;
  }
  std::fputs(out->c_str(), stdout);
  return 0;
}
