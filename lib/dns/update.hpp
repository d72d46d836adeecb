#pragma once
/// Dynamic updates of zones (RFC 2136) with transaction signatures (RFC 8945): HMAC with SHA-256 or
/// SHA-512.

#include "base/secret.hpp"
#include "base/text.hpp"
#include "dns/message.hpp"

#include <variant>

namespace dstack::dns {

enum class TsigAlgorithm { hmac_sha256, hmac_sha512 };

struct TsigKey {
  std::string name{};
  TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256;
  SecretBytes key{};
};

/// A key as tsig-keygen(8) writes it: key "name" { algorithm hmac-sha256; secret "base64"; };
/// or as nsupdate -y takes it: hmac-sha256:name:base64.
Result<TsigKey> parse_tsig_key(std::string_view text);

struct Change {
  enum class Kind { add, remove } kind = Kind::add;
  std::string name{};
  std::variant<std::string, Caa> data{}; ///< TXT or CAA
};

struct Update {
  std::string zone{};
  std::uint32_t ttl = 0; ///< seconds, of what is added
  std::vector<Change> changes{};
};

struct SignedUpdate {
  Bytes message{};
  Bytes mac{}; ///< the answer's signature covers it
};
/// Errc::malformed for names and data that do not fit.
Result<SignedUpdate>
write_update(const Update& update, const TsigKey& key, std::uint16_t id, Time now);

/// That the server did it: signed by the key, in time. Errc::denied names its refusal;
/// Errc::untrusted is an answer that the server did not make.
Status check_update_answer(ByteView answer, const SignedUpdate& to, const TsigKey& key, Time now);

} // namespace dstack::dns
