// links: keys compose
// Encrypted environments and version requirements: no crash; what is encrypted here is read back.
#include "compose/version_range.hpp"
#include "keys/env.hpp"

#include "crypto/x25519.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView bytes{data, size};
  const Secret<32> secret{{7}};
  static_cast<void>(keys::decrypt_env(bytes, secret));
  static_cast<void>(compose::version_satisfies(as_text(bytes), "1.2.3-rc.4"));
  static_cast<void>(compose::version_satisfies(">=1.2, <2", as_text(bytes)));
  const keys::Environment env = {{"A", hex(bytes.first(std::min<std::size_t>(size, 1000)))}};
  const auto fixed = [&](std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = size == 0 ? 1 : data[i % size];
  };
  const auto blob = keys::encrypt_env(env, crypto::x25519_public(secret), fixed);
  DSTACK_ASSERT(!blob || *keys::decrypt_env(*blob, secret) == env);
  return 0;
}
