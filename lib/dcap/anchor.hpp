#pragma once
/// The root a chain must end in. Pinned by public key and subject name (spec verify 5.3).

#include "crypto/p256_public.hpp"
#include "x509/p256_certificate.hpp"

namespace dstack::dcap {

class Anchor {
public:
  /// Intel SGX Root CA, built in (spec verify 5.2).
  static const Anchor& intel();
  /// A root of the caller's: DER or PEM.
  static Result<Anchor> from_file(ByteView text);

  const x509::P256Certificate& certificate() const { return certificate_; }
  const crypto::P256Public& key() const { return key_; }
  /// What precedes " SGX …" in the common names of its chain: "Intel", or the simulated TEE's.
  std::string_view vendor() const { return vendor_; }

private:
  Anchor(std::shared_ptr<const Bytes> der, x509::P256Certificate view, crypto::P256Public key);
  static Result<Anchor> from_der(Bytes der);

  std::shared_ptr<const Bytes> der_;
  x509::P256Certificate certificate_;
  crypto::P256Public key_;
  std::string vendor_;
};

/// DER of Intel's root certificate.
ByteView intel_root_der();
/// How the simulated TEE names itself (tee/sim_authority.cpp).
inline constexpr std::string_view simulated_vendor = "dstack SIMULATED";

} // namespace dstack::dcap
