#pragma once
/// Keys and values in a store that others can read and write. Names are keyed hashes, so that they
/// tell no instance, app or domain; values are sealed (XChaCha20-Poly1305) with the whole key as
/// context, so that none can be read, made, changed or moved to another key by whoever has no
/// secret of the app. What they can do: withhold a value, or put back an older one of the same key.

#include "base/secret.hpp"

#include <optional>

namespace dstack::cluster {

enum class Kind : char {
  cluster = 'm',     ///< which cluster this is: made by its first node
  node = 'n',        ///< who a node is
  alive = 'u',       ///< under the node's lease
  standing = 'o',    ///< whether an operator wants registrations at a node
  instance = 'i',    ///< a registered VM
  operated = 'p',    ///< what operators set of an instance
  key = 'k',         ///< whose a WireGuard key is
  address = 'a',     ///< whose an address of the WireGuard network is
  domain = 'd',      ///< added while running
  account = 'e',     ///< of an ACME authority
  certificate = 'c', ///< with its key
  attestation = 't', ///< of a key or an account
  heard = 's',       ///< when a node heard of instances
  challenge = 'x',   ///< what authorities may ask any node for; under the node's lease
  seen = 'y',        ///< up to where a node answers those; under its lease
  lock = 'l',        ///< who issues; under the node's lease
};

inline constexpr std::size_t least_secret = 32;
inline constexpr std::size_t max_plain = std::size_t{1} << 20U; ///< one value

class Seal {
public:
  /// Prefix: "/dstack/gateway". The secret is the app's, the same on all its nodes.
  Seal(const SecretBytes& secret, std::string_view prefix);

  /// All keys begin with it.
  const std::string& prefix() const { return prefix_; }
  std::string key(Kind kind, std::string_view name) const;
  /// Of a key as key() makes them.
  std::optional<Kind> kind_of(std::string_view key) const;

  /// Errc::unsupported: too large.
  Result<Bytes> close(std::string_view key, ByteView plain) const;
  /// Errc::untrusted: nobody of ours made it, or for another key.
  Result<SecretBytes> open(std::string_view key, ByteView sealed) const;

private:
  std::string prefix_;
  Secret<32> naming_{};
  Secret<32> sealing_{};
};

} // namespace dstack::cluster
