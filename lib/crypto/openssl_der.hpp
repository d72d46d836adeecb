#pragma once
/// OpenSSL's objects from and to DER.

#include "base/bytes.hpp"
#include "crypto/openssl.hpp"

#include <openssl/crypto.h>

namespace dstack::crypto {

/// The object's DER by its i2d function; empty when that fails.
template <auto Encode> Bytes der_of(auto* object)
{
  unsigned char* raw = nullptr;
  const int size = Encode(object, &raw);
  if (size <= 0) return {};
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

/// One certificate and nothing behind it.
Result<X509Certificate> certificate_of_der(ByteView der);

} // namespace dstack::crypto
