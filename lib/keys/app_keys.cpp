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

Result<AppKeys> from_seed(const Secret<32>& seed)
{
  const auto disk = TRY(crypto::P256Key::from_scalar(derive(seed.view(), {"app-disk-key"}).view()));
  auto ca = TRY(crypto::P256Key::from_scalar(derive(seed.view(), {"app-key"}).view()));
  Secret<32> k256 = TRY(crypto::k256_even_y(derive(seed.view(), {"app-k256-key"})));
  Bytes der = disk.pkcs8_der();
  Secret<32> disk_key{crypto::sha256(der)};
  wipe(der);
  return AppKeys{std::move(disk_key), std::move(k256), std::move(ca)};
}

} // namespace dstack::keys
