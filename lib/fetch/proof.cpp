#include "fetch/proof.hpp"

#include "dcap/chain_checks.hpp"
#include "dcap/chains.hpp"

namespace dstack::fetch {

namespace {

Status prove_pck_crl(const dcap::Collateral& collateral, const dcap::Anchor& anchor)
{
  dcap::Counts counts;
  const auto ders =
      TRY(x509::certificates_of_pem(collateral.pck_crl_issuer_chain, dcap::max_chain));
  if (ders.size() != 2)
    return fail(Errc::untrusted, "issuer chain of {} certificates (want PCK CA and root)",
                ders.size());
  const auto chain = TRY(dcap::parse_all(ders, counts));
  TRY(dcap::check_root(chain[1], anchor, counts));
  TRY(dcap::check_ca_usage(chain[0]));
  TRY(dcap::check_issued(chain[0], chain[1], anchor.key(), counts));
  const auto key = TRY(crypto::P256Public::from_xy(chain[0].public_xy));
  const x509::Crl crl = TRY(x509::parse_crl(collateral.pck_crl));
  return dcap::check_crl(crl, chain[0], key, counts);
}

} // namespace

Status prove_origin(const dcap::Collateral& collateral, const dcap::Anchor& anchor)
{
  dcap::CollateralPart at{};
  TRY(dcap::prove_collateral(std::make_shared<const dcap::Collateral>(collateral), anchor, at));
  return prove_pck_crl(collateral, anchor).within("PCK CRL");
}

} // namespace dstack::fetch
