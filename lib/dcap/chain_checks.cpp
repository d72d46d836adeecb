#include "dcap/chain_checks.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace dstack::dcap {

using x509::P256Certificate;

std::string shown_name(const P256Certificate& certificate)
{
  return printable(x509::common_name(certificate.subject));
}

bool is_named(const P256Certificate& certificate, const Anchor& anchor, std::string_view role)
{
  std::string_view name = x509::common_name(certificate.subject);
  if (!name.starts_with(anchor.vendor())) return false;
  name.remove_prefix(anchor.vendor().size());
  return name.starts_with(' ') && name.substr(1) == role;
}

Status check_issued(const P256Certificate& certificate,
                    const P256Certificate& issuer,
                    const crypto::P256Public& issuer_key,
                    Counts& counts)
{
  ++counts.comparisons;
  if (!equal(certificate.issuer, issuer.subject))
    return fail(Errc::untrusted, "'{}' names another issuer than '{}'", shown_name(certificate),
                shown_name(issuer));
  ++counts.signatures;
  if (issuer_key.verify_der(crypto::sha256(certificate.tbs), certificate.signature)) return ok();
  return fail(Errc::untrusted, "'{}' is not signed by the key of '{}'", shown_name(certificate),
              shown_name(issuer));
}

Status check_root(const P256Certificate& root, const Anchor& anchor, Counts& counts)
{
  ++counts.comparisons;
  const P256Certificate& pinned = anchor.certificate();
  if (equal(root.der, pinned.der)) return ok();
  if (!equal(root.subject, pinned.subject) || !equal(root.public_xy, pinned.public_xy))
    return fail(Errc::untrusted, "the chain ends in '{}' with another key than the pinned root's",
                shown_name(root));
  TRY(check_ca_usage(root));
  return check_issued(root, root, anchor.key(), counts);
}

Status check_leaf_usage(const P256Certificate& certificate)
{
  if (certificate.is_ca) return fail(Errc::untrusted, "'{}' is a CA", shown_name(certificate));
  if (certificate.key_usage && certificate.key_usage->digital_signature) return ok();
  return fail(Errc::untrusted, "'{}' may not sign data (key usage)", shown_name(certificate));
}

Status check_ca_usage(const P256Certificate& certificate)
{
  if (!certificate.is_ca) return fail(Errc::untrusted, "'{}' is no CA", shown_name(certificate));
  const auto& usage = certificate.key_usage;
  if (usage && usage->cert_sign && usage->crl_sign) return ok();
  return fail(Errc::untrusted, "'{}' may not sign certificates and CRLs (key usage)",
              shown_name(certificate));
}

Result<std::vector<P256Certificate>> parse_all(const std::vector<Bytes>& certificates,
                                               Counts& counts)
{
  std::vector<P256Certificate> out;
  out.reserve(certificates.size());
  for (const Bytes& der : certificates) {
    ++counts.certificates;
    out.push_back(TRY(x509::parse_p256_certificate(der).within("certificate {}", out.size() + 1)));
  }
  return out;
}

} // namespace dstack::dcap
