#pragma once
/// Ownership of OpenSSL's objects: the only place that spells its free functions.

#include "base/result.hpp"

#include <memory>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace dstack::crypto {

template <auto Free> struct FreeWith {
  void operator()(auto* p) const noexcept { Free(p); }
};

using Pkey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using Bn = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using SecretBn = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;
using Group = std::unique_ptr<EC_GROUP, FreeWith<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, FreeWith<EC_POINT_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;
using X509Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using X509List = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using X509Name = std::unique_ptr<X509_NAME, FreeWith<X509_NAME_free>>;
using X509Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

/// Drains OpenSSL's error queue into one error.
Error openssl_error(Errc code, std::string_view what);

} // namespace dstack::crypto
