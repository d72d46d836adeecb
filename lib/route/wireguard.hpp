#pragma once
/// Text that `wg` reads and writes (wireguard-tools, wg(8)): `wg syncconf` and `wg show IF dump`.

#include "base/secret.hpp"
#include "base/text.hpp"
#include "route/ip.hpp"

#include <optional>

namespace dstack::route {

/// 32 bytes in base64 with padding, the one way to write them.
Result<std::array<std::uint8_t, 32>> parse_wg_key(std::string_view text);

struct WgPeer {
  std::array<std::uint8_t, 32> public_key{};
  std::vector<Network> allowed{};
  std::optional<Endpoint> endpoint{};  ///< absent: the peer comes to us
  std::uint16_t keepalive_seconds = 0; ///< 0: none
  bool operator==(const WgPeer&) const = default;
};

/// For `wg syncconf IF /dev/stdin`; secret, as it holds the private key. Everything in it is made
/// from values, so that no record can add a line. Peers in the order given.
SecretBytes wg_config(const Secret<32>& private_key,
                      std::uint16_t listen_port,
                      const std::vector<WgPeer>& peers);

inline constexpr std::size_t max_wg_dump = std::size_t{64} << 20U;

struct WgPeerState {
  std::array<std::uint8_t, 32> public_key{};
  std::optional<Endpoint> endpoint{};
  std::vector<Network> allowed{};
  std::int64_t latest_handshake = 0; ///< Unix seconds; 0: never
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint16_t keepalive_seconds = 0;
};

struct WgState {
  std::array<std::uint8_t, 32> public_key{};
  std::uint16_t listen_port = 0;
  std::vector<WgPeerState> peers{};
};

/// The text of `wg show IF dump`. Private and preshared keys in it are passed over.
Result<WgState> parse_wg_dump(std::string_view text);

} // namespace dstack::route
