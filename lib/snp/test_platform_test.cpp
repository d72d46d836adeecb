#include "snp/test_platform.hpp"

#include "crypto/openssl_der.hpp"
#include "x509/der.hpp"
#include "x509/der_reader.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace dstack::snp::testing {

namespace {

using crypto::Pkey;
using crypto::X509Certificate;

/// Made once: the contents do not matter, the time to make RSA keys does.
struct Keys {
  Pkey ark{EVP_RSA_gen(2048)};
  Pkey ask{EVP_RSA_gen(2048)};
  Pkey p384{EVP_EC_gen("P-384")};
  Pkey p256{EVP_EC_gen("P-256")};
};
const Keys& keys()
{
  static const Keys all;
  return all;
}

void set_name(X509_NAME* name, const std::string& common_name)
{
  for (const auto& [field, text] :
       {std::pair<const char*, std::string>{"O", "Advanced Micro Devices"}, {"CN", common_name}})
    REQUIRE(X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, as_bytes(text).data(),
                                       static_cast<int>(text.size()), -1, 0) == 1);
}

/// A signing context for RSASSA-PSS with SHA-384 in all places, or plain PKCS #1.
crypto::DigestContext signer(EVP_PKEY* key, bool pss)
{
  crypto::DigestContext context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* parameters = nullptr;
  REQUIRE(EVP_DigestSignInit(context.get(), &parameters, EVP_sha384(), nullptr, key) == 1);
  if (pss) {
    REQUIRE(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  return context;
}

struct CertificateWish {
  std::string subject;
  std::string issuer;
  std::int64_t not_after = start + year;
  bool ca = false;
  bool pss = true;
  std::vector<std::pair<std::string, Bytes>> extensions{};
};

Bytes make_certificate(const CertificateWish& wish, EVP_PKEY* key, EVP_PKEY* issuer)
{
  const X509Certificate out{X509_new()};
  X509_set_version(out.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), wish.ca ? 0x10001 : 0);
  set_name(X509_get_subject_name(out.get()), wish.subject);
  set_name(X509_get_issuer_name(out.get()), wish.issuer);
  ASN1_TIME_set(X509_getm_notBefore(out.get()), start);
  ASN1_TIME_set(X509_getm_notAfter(out.get()), wish.not_after);
  X509_set_pubkey(out.get(), key);
  std::vector<std::pair<std::string, Bytes>> extensions = wish.extensions;
  const Bytes yes = x509::der::tlv(x509::tag::boolean, Bytes{0xff});
  if (wish.ca) extensions.emplace_back("2.5.29.19", x509::der::sequence({yes}));
  for (const auto& [oid, value] : extensions) {
    ASN1_OCTET_STRING* content = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(content, value.data(), static_cast<int>(value.size()));
    ASN1_OBJECT* name = OBJ_txt2obj(oid.c_str(), 1);
    const crypto::X509Extension extension{X509_EXTENSION_create_by_OBJ(nullptr, name, 0, content)};
    X509_add_ext(out.get(), extension.get(), -1);
    ASN1_OBJECT_free(name);
    ASN1_OCTET_STRING_free(content);
  }
  REQUIRE(X509_sign_ctx(out.get(), signer(issuer, wish.pss).get()) > 0);
  return crypto::der_of<i2d_X509>(out.get());
}

std::vector<std::pair<std::string, Bytes>> vcek_extensions(const Wanted& wanted)
{
  constexpr std::uint8_t ia5_string = 0x16;
  const std::string arc = "1.3.6.1.4.1.3704.1.";
  const Tcb& tcb = wanted.certified;
  std::vector<std::pair<std::string, Bytes>> out{
      {arc + "1", x509::der::integer(0)},
      {arc + "2", x509::der::tlv(ia5_string, as_bytes(wanted.product_name))},
      {arc + "3.1", x509::der::integer(tcb.bootloader)},
      {arc + "3.2", x509::der::integer(tcb.tee)},
      {arc + "3.3", x509::der::integer(tcb.snp)},
      {arc + "3.8", x509::der::integer(tcb.microcode)},
      {arc + "4", wanted.hwid_wrapped ? x509::der::octet_string(wanted.hwid) : wanted.hwid}};
  if (tcb.fmc) out.emplace_back(arc + "3.9", x509::der::integer(*tcb.fmc));
  return out;
}

Bytes make_crl(const Wanted& wanted, const std::string& issuer)
{
  const crypto::X509List out{X509_CRL_new()};
  X509_CRL_set_version(out.get(), X509_CRL_VERSION_2);
  const crypto::X509Name name{X509_NAME_new()};
  set_name(name.get(), issuer);
  X509_CRL_set_issuer_name(out.get(), name.get());
  ASN1_TIME* time = ASN1_TIME_set(nullptr, start);
  X509_CRL_set1_lastUpdate(out.get(), time);
  ASN1_TIME_set(time, wanted.crl_not_after);
  X509_CRL_set1_nextUpdate(out.get(), time);
  ASN1_TIME_set(time, start);
  X509_REVOKED* entry = X509_REVOKED_new();
  ASN1_INTEGER* serial = ASN1_INTEGER_new();
  ASN1_INTEGER_set(serial, wanted.revoke_ask ? 0x10001 : 0x777);
  X509_REVOKED_set_serialNumber(entry, serial);
  X509_REVOKED_set_revocationDate(entry, time);
  X509_CRL_add0_revoked(out.get(), entry);
  ASN1_INTEGER_free(serial);
  ASN1_TIME_free(time);
  REQUIRE(X509_CRL_sign_ctx(out.get(), signer(keys().ark.get(), wanted.pss).get()) > 0);
  return crypto::der_of<i2d_X509_CRL>(out.get());
}

} // namespace

void put(Bytes& report, std::size_t offset, ByteView value)
{
  REQUIRE(offset + value.size() <= report.size());
  std::copy(value.begin(), value.end(), report.begin() + static_cast<std::ptrdiff_t>(offset));
}

Bytes unsigned_report()
{
  const Wanted usual;
  const Bytes tcb = *parse_hex("04000000000017d5");
  Bytes out(report_size);
  put(out, 0x000, ByteWriter{}.u32le(3).take());
  put(out, 0x008, ByteWriter{}.u64le(0x30000).take());
  put(out, 0x034, ByteWriter{}.u32le(1).take());
  for (const std::size_t at : std::initializer_list<std::size_t>{0x038, 0x180, 0x1e0, 0x1f0})
    put(out, at, tcb);
  put(out, 0x160, Bytes(32, 0xff));
  put(out, 0x188, *parse_hex("190101"));
  put(out, 0x1a0, usual.hwid);
  return out;
}

Bytes Platform::sign(Bytes report) const
{
  const crypto::DigestContext context{EVP_MD_CTX_new()};
  REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr, keys().p384.get()) ==
          1);
  std::size_t size = 256;
  Bytes der(size);
  REQUIRE(EVP_DigestSign(context.get(), der.data(), &size, report.data(), signed_size) == 1);
  const unsigned char* at = der.data();
  const crypto::EcdsaSignature signature{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size))};
  Bytes number(48);
  BN_bn2lebinpad(ECDSA_SIG_get0_r(signature.get()), number.data(), 48);
  put(report, signed_size, number);
  BN_bn2lebinpad(ECDSA_SIG_get0_s(signature.get()), number.data(), 48);
  put(report, signed_size + 72, number);
  return report;
}

Platform make_platform(const Wanted& wanted)
{
  const std::string product{name_of(wanted.product)};
  const std::string ark = "ARK-" + product;
  const std::string ask = "SEV-" + product;
  Platform out;
  out.certificates.ark = make_certificate({ark, ark, wanted.authority_not_after, true, wanted.pss, {}},
                                          keys().ark.get(), keys().ark.get());
  out.certificates.ask =
      make_certificate({ask, ark, wanted.authority_not_after, wanted.ask_is_ca, wanted.pss, {}}, keys().ask.get(),
                       keys().ark.get());
  out.certificates.vcek = make_certificate(
      {wanted.vcek_name, ask, wanted.vcek_not_after, false, wanted.pss, vcek_extensions(wanted)},
      wanted.vcek_p256 ? keys().p256.get() : keys().p384.get(),
      wanted.vcek_by_other_key ? keys().ark.get() : keys().ask.get());
  out.certificates.crl = make_crl(wanted, ark);
  out.anchors = {{wanted.product, out.certificates.ark}};
  return out;
}

} // namespace dstack::snp::testing
