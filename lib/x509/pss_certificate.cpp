#include "x509/pss_certificate.hpp"

#include "base/text.hpp"
#include "x509/asn1_time.hpp"

#include <openssl/x509v3.h>

namespace dstack::x509 {

namespace {

using crypto::openssl_error;

/// The one common name of a name; empty when there is none or several.
std::string common_name_of(const X509_NAME* name)
{
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) return "";
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  const unsigned char* data = ASN1_STRING_get0_data(value);
  return printable(as_text({data, static_cast<std::size_t>(ASN1_STRING_length(value))}));
}

Status check_names(const X509_NAME* named, const X509_NAME* subject, const PssCertificate& issuer)
{
  if (X509_NAME_cmp(named, subject) != 0) {
    const std::string name = common_name_of(named);
    const std::string_view other = name == issuer.common_name() ? " of another organisation" : "";
    return fail(Errc::untrusted, "issued by '{}'{}, not by '{}'", name, other,
                issuer.common_name());
  }
  if (!issuer.is_ca())
    return fail(Errc::untrusted, "'{}' is no certificate authority", issuer.common_name());
  return ok();
}

} // namespace

Result<PssCertificate> PssCertificate::parse(ByteView der)
{
  if (der.size() > max_pss_certificate)
    return fail(Errc::malformed, "certificate of {} bytes (limit {})", der.size(),
                max_pss_certificate);
  PssCertificate out;
  const unsigned char* at = der.data();
  out.x509_.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!out.x509_) return openssl_error(Errc::malformed, "certificate");
  if (at != der.data() + der.size()) return fail(Errc::malformed, "bytes after the certificate");
  const std::uint32_t flags = X509_get_extension_flags(out.x509_.get());
  if ((flags & EXFLAG_INVALID) != 0) return openssl_error(Errc::malformed, "certificate extension");
  if ((flags & EXFLAG_CRITICAL) != 0)
    return fail(Errc::malformed, "certificate with an unknown critical extension");
  out.common_name_ = common_name_of(X509_get_subject_name(out.x509_.get()));
  out.issuer_name_ = common_name_of(X509_get_issuer_name(out.x509_.get()));
  out.not_before_ = TRY(time_of(X509_get0_notBefore(out.x509_.get())).within("notBefore"));
  out.not_after_ = TRY(time_of(X509_get0_notAfter(out.x509_.get())).within("notAfter"));
  return out;
}

bool PssCertificate::is_ca() const
{
  const bool ca = (X509_get_extension_flags(x509_.get()) & EXFLAG_CA) != 0;
  const bool may_sign =
      (X509_get_key_usage(x509_.get()) & KU_KEY_CERT_SIGN) != 0; // all, when absent
  return ca && may_sign;
}

Status PssCertificate::check_issued_by(const PssCertificate& issuer) const
{
  TRY(check_names(X509_get_issuer_name(x509_.get()), X509_get_subject_name(issuer.x509_.get()),
                  issuer));
  int digest = 0;
  int algorithm = 0;
  std::uint32_t flags = 0;
  X509_get_signature_info(x509_.get(), &digest, &algorithm, nullptr, &flags);
  // The flag says that PSS uses the digest for its mask as well, and a salt as long as it.
  if (algorithm != NID_rsassaPss || digest != NID_sha384 || (flags & X509_SIG_INFO_TLS) == 0)
    return fail(Errc::untrusted, "'{}' is not signed with RSASSA-PSS and SHA-384", common_name_);
  if (X509_verify(x509_.get(), X509_get0_pubkey(issuer.x509_.get())) != 1)
    return openssl_error(Errc::untrusted, fmt::format("'{}' is not signed by '{}'", common_name_,
                                                      issuer.common_name()));
  return ok();
}

bool PssCertificate::same_key(const PssCertificate& other) const
{
  return EVP_PKEY_eq(X509_get0_pubkey(x509_.get()), X509_get0_pubkey(other.x509_.get())) == 1;
}

Result<PssRevocationList> PssRevocationList::parse(ByteView der)
{
  if (der.size() > max_pss_crl)
    return fail(Errc::malformed, "revocation list of {} bytes (limit {})", der.size(), max_pss_crl);
  PssRevocationList out;
  const unsigned char* at = der.data();
  out.crl_.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  if (!out.crl_) return openssl_error(Errc::malformed, "revocation list");
  if (at != der.data() + der.size())
    return fail(Errc::malformed, "bytes after the revocation list");
  for (int i = 0; i < X509_CRL_get_ext_count(out.crl_.get()); ++i)
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(out.crl_.get(), i)) != 0)
      return fail(Errc::unsupported, "revocation list with a critical extension");
  out.this_update_ = TRY(time_of(X509_CRL_get0_lastUpdate(out.crl_.get())).within("thisUpdate"));
  out.next_update_ = TRY(time_of(X509_CRL_get0_nextUpdate(out.crl_.get())).within("nextUpdate"));
  return out;
}

Status PssRevocationList::check_issued_by(const PssCertificate& issuer) const
{
  TRY(check_names(X509_CRL_get_issuer(crl_.get()), X509_get_subject_name(issuer.x509_.get()),
                  issuer));
  if (X509_CRL_get_signature_nid(crl_.get()) != NID_rsassaPss)
    return fail(Errc::untrusted, "the revocation list is not signed with RSASSA-PSS");
  if (X509_CRL_verify(crl_.get(), X509_get0_pubkey(issuer.x509_.get())) != 1)
    return openssl_error(Errc::untrusted, "the revocation list's signature is wrong");
  return ok();
}

bool PssRevocationList::lists(const PssCertificate& certificate) const
{
  X509_REVOKED* entry = nullptr;
  return X509_CRL_get0_by_serial(crl_.get(), &entry,
                                 X509_get_serialNumber(certificate.x509_.get())) != 0;
}

bool PssCertificate::has_p384_key() const
{
  EVP_PKEY* key = X509_get0_pubkey(x509_.get());
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return false;
  std::array<char, 32> group{};
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
         OBJ_txt2nid(group.data()) == NID_secp384r1;
}

bool PssCertificate::verifies_p384(ByteView data, ByteView r_le, ByteView s_le) const
{
  const crypto::EcdsaSignature signature{ECDSA_SIG_new()};
  crypto::Bn r{BN_lebin2bn(r_le.data(), static_cast<int>(r_le.size()), nullptr)};
  crypto::Bn s{BN_lebin2bn(s_le.data(), static_cast<int>(s_le.size()), nullptr)};
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.release(), s.release()) != 1)
    return false;
  unsigned char* raw = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &raw);
  if (size <= 0) return false;
  const Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  const crypto::DigestContext context{EVP_MD_CTX_new()};
  const bool good =
      context &&
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha384(), nullptr,
                           X509_get0_pubkey(x509_.get())) == 1 &&
      EVP_DigestVerify(context.get(), der.data(), der.size(), data.data(), data.size()) == 1;
  if (!good) static_cast<void>(openssl_error(Errc::untrusted, "")); // leaves no error behind
  return good;
}

} // namespace dstack::x509
