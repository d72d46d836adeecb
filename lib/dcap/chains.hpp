#pragma once
/// The chains and signed documents of a verification. What is proven here is a function of bytes
/// alone and can be remembered; dates and revocation are judged anew each time.

#include "dcap/anchor.hpp"
#include "dcap/collateral.hpp"
#include "dcap/counts.hpp"
#include "dcap/pck.hpp"
#include "dcap/tcb_info.hpp"
#include "x509/crl.hpp"

namespace dstack::dcap {

/// The parts of a collateral set, in the order they are proven.
enum class CollateralPart { root_crl, tcb_info, qe_identity, pck_crl };

/// CRLs and signed documents. All but pck_crl are proven to come from the anchor; that one needs
/// the intermediate of a PCK chain.
struct SignedCollateral {
  std::shared_ptr<const Collateral> bytes{}; ///< what the views below point into
  x509::Crl root_crl{};
  TcbInfo tcb_info{};
  QeIdentity qe_identity{};
  x509::Crl pck_crl{};
  std::vector<Window> windows{};
  std::vector<Bytes> serials{}; ///< of the signing and root certificates, to look up in root_crl
  Counts counts{};              ///< what proving it took
};

/// at is the part being proven when it failed.
Result<SignedCollateral> prove_collateral(std::shared_ptr<const Collateral> collateral,
                                          const Anchor& anchor,
                                          CollateralPart& at);

/// Leaf, intermediate and root of a PCK chain, proven to come from the anchor (spec verify 5.5).
struct PckChain {
  std::vector<Bytes> certificates{}; ///< what the views below point into
  x509::P256Certificate leaf{};
  x509::P256Certificate intermediate{};
  x509::P256Certificate root{};
  std::shared_ptr<const crypto::P256Public> leaf_key{};
  std::shared_ptr<const crypto::P256Public> intermediate_key{};
  bool platform_ca = false; ///< else Processor CA
  std::vector<Window> windows{};
  Counts counts{};
};

Result<PckChain> prove_pck_chain(std::string_view pem, const Anchor& anchor);

/// The common name of the chain's last certificate, before anything is proven; may be empty.
std::string root_name_of(std::string_view pem);

/// Issuer, key identifier and signature of a CRL against the certificate that must have issued it
/// (spec verify 6).
Status check_crl(const x509::Crl& crl,
                 const x509::P256Certificate& issuer,
                 const crypto::P256Public& issuer_key,
                 Counts& counts);

} // namespace dstack::dcap
