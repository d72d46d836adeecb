#include "fetch/pcs_answer.hpp"

#include "dcap/collateral.hpp"
#include "dcap/signed_json.hpp"
#include "dcap/tcb_info.hpp"
#include "fetch/issuer_chain.hpp"
#include "x509/crl.hpp"
#include "x509/p256_certificate.hpp"

#include <algorithm>

namespace dstack::fetch {

namespace {

constexpr std::string_view tcb_chain = "tcb-info-issuer-chain";
constexpr std::string_view old_tcb_chain = "sgx-tcb-info-issuer-chain"; // services of API version 3
constexpr std::string_view qe_chain = "sgx-enclave-identity-issuer-chain";
constexpr std::string_view crl_chain = "sgx-pck-crl-issuer-chain";
constexpr std::string_view pck_issuer_chain = "sgx-pck-certificate-issuer-chain";
constexpr std::string_view tcbm = "sgx-tcbm";

const std::string* kept(const CacheEntry& entry, std::string_view name)
{
  const auto at = std::find_if(entry.headers.begin(), entry.headers.end(),
                               [&](const http::Header& header) { return header.name == name; });
  return at == entry.headers.end() ? nullptr : &at->value;
}

Result<std::string> chain_of(const CacheEntry& entry, std::string_view name)
{
  const std::string* value = kept(entry, name);
  if (value == nullptr) return fail(Errc::malformed, "the answer has no header {}", name);
  return decode_chain_header(*value).within("header {}", name);
}

Result<SignedAnswer>
signed_answer_of(const CacheEntry& entry, std::string_view member, std::string_view chain)
{
  const auto parts = TRY(dcap::split_signed_json(entry.body, member));
  SignedAnswer out{std::string{parts.text}, parts.signature, {}, 0};
  out.issuer_chain = TRY(chain_of(entry, chain));
  return out;
}

Result<CrlAnswer> crl_of(const CacheEntry& entry)
{
  CrlAnswer out;
  out.der = TRY(dcap::crl_to_der(as_bytes(entry.body)));
  out.next_update = TRY(x509::parse_crl(out.der)).next_update;
  return out;
}

} // namespace

std::vector<std::string> tcb_info_headers()
{
  return {std::string{tcb_chain}, std::string{old_tcb_chain}};
}

std::vector<std::string> qe_identity_headers()
{
  return {std::string{qe_chain}};
}

std::vector<std::string> pck_crl_headers()
{
  return {std::string{crl_chain}};
}

std::vector<std::string> pck_certificate_headers()
{
  return {std::string{pck_issuer_chain}, std::string{tcbm}};
}

Result<SignedAnswer> read_tcb_info(const CacheEntry& entry, const PcsRequest& request)
{
  const bool old = kept(entry, tcb_chain) == nullptr && kept(entry, old_tcb_chain) != nullptr;
  SignedAnswer out = TRY(signed_answer_of(entry, "tcbInfo", old ? old_tcb_chain : tcb_chain));
  const dcap::TcbInfo info = TRY(dcap::parse_tcb_info(out.text));
  if (info.fmspc != request.fmspc)
    return fail(Errc::untrusted, "the service answered for FMSPC {}, asked for {}",
                fmspc_text(info.fmspc), fmspc_text(request.fmspc));
  if (info.tee != request.tee)
    return fail(Errc::untrusted, "the service answered for {}, asked for {}",
                dcap::name_of(info.tee), dcap::name_of(request.tee));
  out.next_update = info.next_update;
  return out;
}

Result<SignedAnswer> read_qe_identity(const CacheEntry& entry, const PcsRequest& request)
{
  SignedAnswer out = TRY(signed_answer_of(entry, "enclaveIdentity", qe_chain));
  const dcap::QeIdentity identity = TRY(dcap::parse_qe_identity(out.text));
  if (identity.tee != request.tee)
    return fail(Errc::untrusted, "the service answered for {}, asked for {}",
                dcap::name_of(identity.tee), dcap::name_of(request.tee));
  out.next_update = identity.next_update;
  return out;
}

Result<CrlAnswer> read_pck_crl(const CacheEntry& entry, PckCa ca)
{
  CrlAnswer out = TRY(crl_of(entry));
  out.issuer_chain = TRY(chain_of(entry, crl_chain));
  const x509::Crl crl = TRY(x509::parse_crl(out.der));
  const auto issuer = pck_ca_of_issuer(x509::common_name(crl.issuer));
  if (issuer && *issuer != ca)
    return fail(Errc::untrusted, "the service answered with the list of the {} CA, asked for {}",
                name_of(*issuer), name_of(ca));
  return out;
}

Result<CrlAnswer> read_root_crl(const CacheEntry& entry)
{
  return crl_of(entry);
}

Result<PckAnswer> read_pck_certificate(const CacheEntry& entry, const PckRequest& request)
{
  const std::string* tcb = kept(entry, tcbm);
  if (tcb == nullptr) return fail(Errc::malformed, "the answer has no header {}", tcbm);
  if (lower(*tcb) != lower(tcbm_text(request)))
    return fail(Errc::untrusted,
                "the service's certificate is for the TCB {}, the quote has {}: the platform's "
                "current TCB is not registered",
                printable(*tcb), tcbm_text(request));
  const auto leaf = TRY(x509::certificates_of_pem(entry.body, 1).within("PCK certificate"));
  if (leaf.empty()) return fail(Errc::malformed, "no PCK certificate");
  PckAnswer out;
  out.not_after = TRY(x509::parse_p256_certificate(leaf[0]).within("PCK certificate")).not_after;
  out.chain = entry.body + (entry.body.ends_with('\n') ? "" : "\n");
  out.chain += TRY(chain_of(entry, pck_issuer_chain));
  return out;
}

} // namespace dstack::fetch
