#pragma once
/// The encrypted environment of an app (spec guest 19): ephemeral X25519 public key, nonce,
/// AES-256-GCM of {"env":[{"key":…,"value":…}]}. Whoever encrypts needs the app's public key only.

#include "base/secret.hpp"

#include <functional>
#include <map>

namespace dstack::keys {

using Environment = std::map<std::string, std::string>;

inline constexpr std::size_t max_encrypted_env = std::size_t{256} << 10U; // spec guest 16.1

/// What is in front of the ciphertext, for people to look at.
struct EnvelopeView {
  std::array<std::uint8_t, 32> ephemeral{};
  std::array<std::uint8_t, 12> nonce{};
  std::size_t sealed_size = 0; ///< tag included
};
Result<EnvelopeView> read_envelope(ByteView blob);

/// random fills its argument; it decides the ephemeral key and the nonce.
Result<Bytes> encrypt_env(const Environment& env,
                          ByteView recipient,
                          const std::function<void(std::span<std::uint8_t>)>& random);
/// Everything that was encrypted, in the order of names; nothing is filtered here. An empty blob
/// holds nothing.
Result<Environment> decrypt_env(ByteView blob, const Secret<32>& secret);

/// [a-zA-Z_][a-zA-Z0-9_]*, at most 255 bytes.
Status check_variable_name(std::string_view name);

/// What the guest hands on: allowed names only, the others come back in dropped. Refused are names
/// that are none ([a-zA-Z_][a-zA-Z0-9_]*), names above 255 bytes, values above 128 KiB, more than
/// 1024 variables or 1 MiB in all.
struct FilteredEnv {
  Environment kept{};
  std::vector<std::string> dropped{};
};
Result<FilteredEnv> filter_env(const Environment& env, const std::vector<std::string>& allowed);

/// The file .decrypted-env: KEY=value lines, quoted as the published guests do. A backslash in a
/// quoted value is not escaped there, so who reads the file gets another value.
std::string dotenv_text(const Environment& env);
/// The file .decrypted-env.json.
std::string env_json(const Environment& env);

} // namespace dstack::keys
