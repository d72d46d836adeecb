#include "fetch/proof.hpp"

#include "dcap/chain_checks.hpp"
#include "dcap/chains.hpp"
#include "x509/pss_certificate.hpp"

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

Status prove_origin(const snp::Certificates& certificates, const std::vector<snp::Anchor>& anchors)
{
  const auto ask = TRY(x509::PssCertificate::parse(certificates.ask).within("ASK"));
  const auto vcek = TRY(x509::PssCertificate::parse(certificates.vcek).within("VCEK"));
  const auto list = TRY(x509::PssRevocationList::parse(certificates.crl).within("AMD CRL"));
  for (const snp::Anchor& anchor : anchors) {
    const auto root = TRY(x509::PssCertificate::parse(anchor.certificate).within("pinned ARK"));
    if (root.common_name() != ask.issuer_name()) continue;
    TRY(ask.check_issued_by(root).within("ASK"));
    TRY(list.check_issued_by(root).within("AMD CRL"));
    return vcek.check_issued_by(ask).within("VCEK");
  }
  return fail(Errc::untrusted, "ASK: issued by '{}', which is no root key of AMD's",
              ask.issuer_name());
}

} // namespace dstack::fetch
