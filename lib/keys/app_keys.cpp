#include "keys/app_keys.hpp"

#include "crypto/hash.hpp"
#include "crypto/k256.hpp"

#include <algorithm>

namespace dstack::keys {

Secret<32> derive(ByteView input_key, std::initializer_list<std::string_view> contexts)
{
  std::string info;
  for (const std::string_view context : contexts)
    info += context;
  Bytes raw = crypto::hkdf_sha256(input_key, as_bytes("RATLS"), as_bytes(info), 32);
  Secret<32> out;
  std::copy(raw.begin(), raw.end(), out.mutable_view().begin());
  wipe(raw);
  return out;
}

Result<crypto::P256Key> derive_p256(ByteView input_key,
                                    std::initializer_list<std::string_view> contexts)
{
  return crypto::P256Key::from_scalar(derive(input_key, contexts).view());
}

Result<Secret<32>> derive_hashed(ByteView input_key,
                                 std::initializer_list<std::string_view> contexts)
{
  const SecretBytes der = TRY(crypto::P256Key::pkcs8_der_of(derive(input_key, contexts).view()));
  return Secret<32>{crypto::sha256(der.view())};
}

Result<AppKeys> from_seed(const Secret<32>& seed)
{
  Secret<32> disk = TRY(derive_hashed(seed.view(), {"app-disk-key"}));
  Secret<32> k256 = TRY(crypto::k256_even_y(derive(seed.view(), {"app-k256-key"})));
  crypto::P256Key ca = TRY(derive_p256(seed.view(), {"app-key"}));
  return AppKeys{std::move(disk), std::move(k256), std::move(ca)};
}

} // namespace dstack::keys
