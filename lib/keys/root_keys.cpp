#include "keys/root_keys.hpp"

#include "crypto/keccak.hpp"

#include <algorithm>

namespace dstack::keys {

namespace {

constexpr std::size_t id_size = 20;

Status check_app_id(ByteView app_id)
{
  if (app_id.size() == id_size) return ok();
  return fail(Errc::malformed, "app_id must be 20 bytes");
}

Status check_instance_id(ByteView instance_id)
{
  if (instance_id.empty() || instance_id.size() == id_size) return ok();
  return fail(Errc::malformed, "instance_id must be 20 bytes or empty");
}

Bytes be64(std::uint64_t value)
{
  return ByteWriter{}.u64be(value).take();
}

/// The digest that is signed: the purpose, a colon, and what follows.
crypto::Keccak256Digest statement(std::string_view purpose, std::initializer_list<ByteView> pieces)
{
  Bytes text = concat({as_bytes(purpose), as_bytes(":")});
  for (const ByteView piece : pieces)
    text.insert(text.end(), piece.begin(), piece.end());
  return crypto::keccak256(text);
}

crypto::Keccak256Digest app_key_digest(ByteView app_id, const crypto::K256Public& app_key)
{
  return statement("dstack-kms-issued", {app_id, app_key});
}

crypto::Keccak256Digest env_key_digest(ByteView app_id,
                                       const crypto::X25519Public& env_key,
                                       std::optional<std::uint64_t> timestamp)
{
  const Bytes time = timestamp ? be64(*timestamp) : Bytes{};
  return statement("dstack-env-encrypt-pubkey", {app_id, time, env_key});
}

} // namespace

Result<crypto::P256Key> app_ca_key(const RootKeys& root, ByteView app_id)
{
  TRY(check_app_id(app_id));
  return derive_p256(root.ca.scalar().view(), {as_text(app_id), "app-ca"});
}

Result<Secret<32>> disk_crypt_key(const RootKeys& root, ByteView app_id, ByteView instance_id)
{
  TRY(check_app_id(app_id));
  TRY(check_instance_id(instance_id));
  return derive_hashed(root.ca.scalar().view(),
                       {as_text(app_id), as_text(instance_id), "app-disk-crypt-key"});
}

Result<Secret<32>> env_crypt_key(const RootKeys& root, ByteView app_id)
{
  TRY(check_app_id(app_id));
  return derive_hashed(root.ca.scalar().view(), {as_text(app_id), "env-encrypt-key"});
}

Result<Secret<32>> app_k256_key(const RootKeys& root, ByteView app_id)
{
  TRY(check_app_id(app_id));
  Secret<32> out = derive(root.k256.view(), {as_text(app_id), "app-key"});
  TRY(crypto::k256_check(out));
  return out;
}

Result<crypto::K256Recoverable>
sign_app_key(const RootKeys& root, ByteView app_id, const crypto::K256Public& app_key)
{
  TRY(check_app_id(app_id));
  return crypto::k256_sign_recoverable(root.k256, app_key_digest(app_id, app_key));
}

Result<crypto::K256Recoverable> sign_env_key(const RootKeys& root,
                                             ByteView app_id,
                                             const crypto::X25519Public& env_key,
                                             std::optional<std::uint64_t> timestamp)
{
  TRY(check_app_id(app_id));
  return crypto::k256_sign_recoverable(root.k256, env_key_digest(app_id, env_key, timestamp));
}

Result<crypto::K256Public>
app_key_signer(ByteView app_id, const crypto::K256Public& app_key, ByteView signature65)
{
  TRY(check_app_id(app_id));
  return crypto::k256_recover(app_key_digest(app_id, app_key), signature65);
}

Result<crypto::K256Public> env_key_signer(ByteView app_id,
                                          const crypto::X25519Public& env_key,
                                          std::optional<std::uint64_t> timestamp,
                                          ByteView signature65)
{
  TRY(check_app_id(app_id));
  return crypto::k256_recover(env_key_digest(app_id, env_key, timestamp), signature65);
}

std::array<std::uint8_t, 64> bootstrap_report_data(ByteView ca_spki, const crypto::K256Public& k256)
{
  const std::string text =
      fmt::format("dstack-kms-genereted-keys-v1:{};{};", hex(ca_spki), hex(k256));
  const auto digest = crypto::keccak256(as_bytes(text));
  std::array<std::uint8_t, 64> out{};
  std::copy(digest.begin(), digest.end(), out.begin());
  return out;
}

} // namespace dstack::keys
