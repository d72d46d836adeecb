#include "dcap/chains.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "dcap/chain_checks.hpp"

namespace dstack::dcap {

namespace {

using x509::P256Certificate;

struct Signer {
  crypto::P256Public key;
  std::vector<Window> windows;
  std::vector<Bytes> serials;
};

/// A TCB signing chain: signer and root (spec verify 5.4).
Result<Signer> prove_signer(std::string_view pem, const Anchor& anchor, Counts& counts)
{
  const auto ders = TRY(x509::certificates_of_pem(pem, max_chain));
  if (ders.size() != 2)
    return fail(Errc::untrusted, "chain of {} certificates (want signer and root)", ders.size());
  const auto views = TRY(parse_all(ders, counts));
  const P256Certificate& signer = views[0];
  const P256Certificate& root = views[1];
  TRY(check_root(root, anchor, counts));
  if (!is_named(signer, anchor, "SGX TCB Signing"))
    return fail(Errc::untrusted, "signed by '{}', which is no TCB signing certificate",
                shown_name(signer));
  TRY(check_leaf_usage(signer));
  TRY(check_issued(signer, root, anchor.key(), counts));
  auto key = TRY(crypto::P256Public::from_xy(signer.public_xy));
  return Signer{std::move(key),
                {{"TCB signing certificate", signer.not_before, signer.not_after},
                 {"root certificate", root.not_before, root.not_after}},
                {to_bytes(signer.serial), to_bytes(root.serial)}};
}

void keep(const Signer& signer, SignedCollateral& out)
{
  out.windows.insert(out.windows.end(), signer.windows.begin(), signer.windows.end());
  out.serials.insert(out.serials.end(), signer.serials.begin(), signer.serials.end());
}

Status
check_document(std::string_view text, ByteView signature, const Signer& signer, Counts& counts)
{
  ++counts.signatures;
  if (signer.key.verify_raw(crypto::sha256(as_bytes(text)), signature)) return ok();
  return fail(Errc::untrusted, "signature does not verify");
}

Status prove_documents(SignedCollateral& out, const Anchor& anchor, CollateralPart& at)
{
  const Collateral& c = *out.bytes;
  at = CollateralPart::tcb_info;
  const Signer first =
      TRY(prove_signer(c.tcb_info_issuer_chain, anchor, out.counts).within("TCB info issuer"));
  keep(first, out);
  TRY(check_document(c.tcb_info, c.tcb_info_signature, first, out.counts).within("TCB info"));
  out.tcb_info = TRY(parse_tcb_info(c.tcb_info));
  out.windows.push_back({"TCB info", out.tcb_info.issue_date, out.tcb_info.next_update});

  at = CollateralPart::qe_identity;
  std::optional<Signer> other;
  if (c.qe_identity_issuer_chain != c.tcb_info_issuer_chain) {
    other = TRY(
        prove_signer(c.qe_identity_issuer_chain, anchor, out.counts).within("QE identity issuer"));
    keep(*other, out);
  }
  TRY(check_document(c.qe_identity, c.qe_identity_signature, other ? *other : first, out.counts)
          .within("QE identity"));
  out.qe_identity = TRY(parse_qe_identity(c.qe_identity));
  out.windows.push_back({"QE identity", out.qe_identity.issue_date, out.qe_identity.next_update});
  return ok();
}

} // namespace

Result<SignedCollateral> prove_collateral(std::shared_ptr<const Collateral> collateral,
                                          const Anchor& anchor,
                                          CollateralPart& at)
{
  SignedCollateral out;
  out.bytes = std::move(collateral);
  at = CollateralPart::root_crl;
  out.root_crl = TRY(x509::parse_crl(out.bytes->root_ca_crl).within("root CA CRL"));
  TRY(check_crl(out.root_crl, anchor.certificate(), anchor.key(), out.counts)
          .within("root CA CRL"));
  out.windows.push_back({"root CA CRL", out.root_crl.this_update, out.root_crl.next_update});
  TRY(prove_documents(out, anchor, at));
  at = CollateralPart::pck_crl;
  out.pck_crl = TRY(x509::parse_crl(out.bytes->pck_crl).within("PCK CRL"));
  out.windows.push_back({"PCK CRL", out.pck_crl.this_update, out.pck_crl.next_update});
  return out;
}

Result<PckChain> prove_pck_chain(std::string_view pem, const Anchor& anchor)
{
  PckChain out;
  out.certificates = TRY(x509::certificates_of_pem(pem, max_chain));
  if (out.certificates.size() != 3)
    return fail(Errc::untrusted, "chain of {} certificates (want PCK, intermediate and root)",
                out.certificates.size());
  auto views = TRY(parse_all(out.certificates, out.counts));
  out.leaf = std::move(views[0]);
  out.intermediate = std::move(views[1]);
  out.root = std::move(views[2]);
  TRY(check_root(out.root, anchor, out.counts));
  out.platform_ca = is_named(out.intermediate, anchor, "SGX PCK Platform CA");
  if (!out.platform_ca && !is_named(out.intermediate, anchor, "SGX PCK Processor CA"))
    return fail(Errc::untrusted, "'{}' is neither PCK Platform CA nor PCK Processor CA",
                shown_name(out.intermediate));
  TRY(check_ca_usage(out.intermediate));
  TRY(check_issued(out.intermediate, out.root, anchor.key(), out.counts));
  if (!is_named(out.leaf, anchor, "SGX PCK Certificate"))
    return fail(Errc::untrusted, "'{}' is no PCK certificate", shown_name(out.leaf));
  TRY(check_leaf_usage(out.leaf));
  const auto key =
      [](const P256Certificate& of) -> Result<std::shared_ptr<const crypto::P256Public>> {
    return std::make_shared<const crypto::P256Public>(
        TRY(crypto::P256Public::from_xy(of.public_xy)));
  };
  out.intermediate_key = TRY(key(out.intermediate));
  TRY(check_issued(out.leaf, out.intermediate, *out.intermediate_key, out.counts));
  out.leaf_key = TRY(key(out.leaf));
  out.windows = {{"PCK certificate", out.leaf.not_before, out.leaf.not_after},
                 {"PCK CA certificate", out.intermediate.not_before, out.intermediate.not_after},
                 {"root certificate", out.root.not_before, out.root.not_after}};
  return out;
}

std::string root_name_of(std::string_view pem)
{
  const auto ders = x509::certificates_of_pem(pem, max_chain);
  if (!ders) return "";
  const auto root = x509::parse_p256_certificate(ders->back());
  return root ? shown_name(*root) : "";
}

Status check_crl(const x509::Crl& crl,
                 const P256Certificate& issuer,
                 const crypto::P256Public& issuer_key,
                 Counts& counts)
{
  counts.comparisons += 2;
  if (!equal(crl.issuer, issuer.subject))
    return fail(Errc::untrusted, "not issued by '{}'", shown_name(issuer));
  if (!equal(crl.authority_key_id, issuer.subject_key_id))
    return fail(Errc::untrusted, "made with another key than that of '{}'", shown_name(issuer));
  ++counts.signatures;
  if (issuer_key.verify_der(crypto::sha256(crl.tbs), crl.signature)) return ok();
  return fail(Errc::untrusted, "not signed by the key of '{}'", shown_name(issuer));
}

} // namespace dstack::dcap
