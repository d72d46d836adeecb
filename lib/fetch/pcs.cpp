#include "fetch/pcs.hpp"

#include "dcap/chains.hpp"
#include "fetch/pcs_answer.hpp"
#include "fetch/proof.hpp"

namespace dstack::fetch {

namespace {

constexpr const char* any_type = "*/*";

/// The positions of a set's answers.
enum PcsPart : std::size_t { tcb_part, qe_part, pck_crl_part, root_crl_part };

std::vector<Wanted> wanted_for(const std::string& base, const PcsRequest& request)
{
  const std::string unknown = fmt::format("unknown FMSPC {} ({}), or not cached by the service",
                                          fmspc_text(request.fmspc), dcap::name_of(request.tee));
  const std::string missing = "the service does not have it";
  std::vector<Wanted> out;
  out.push_back({"TCB info",
                 {tcb_info_url(base, request), "application/json", unknown},
                 tcb_info_headers(),
                 [request](const CacheEntry& entry) -> Result<std::int64_t> {
                   return TRY(read_tcb_info(entry, request)).next_update;
                 },
                 Lifetime::refreshed});
  out.push_back({"QE identity",
                 {qe_identity_url(base, request), "application/json", missing},
                 qe_identity_headers(),
                 [request](const CacheEntry& entry) -> Result<std::int64_t> {
                   return TRY(read_qe_identity(entry, request)).next_update;
                 },
                 Lifetime::refreshed});
  out.push_back({"PCK CRL",
                 {pck_crl_url(base, request), any_type, missing},
                 pck_crl_headers(),
                 [ca = request.ca](const CacheEntry& entry) -> Result<std::int64_t> {
                   return TRY(read_pck_crl(entry, ca)).next_update;
                 },
                 Lifetime::refreshed});
  out.push_back({"root CA CRL",
                 {root_crl_url(base), any_type, missing},
                 {},
                 [](const CacheEntry& entry) -> Result<std::int64_t> {
                   return TRY(read_root_crl(entry)).next_update;
                 },
                 Lifetime::refreshed});
  return out;
}

Result<dcap::Collateral> assemble(const std::vector<Loaded>& set, const PcsRequest& request)
{
  const SignedAnswer tcb = TRY(read_tcb_info(set.at(tcb_part).entry, request));
  const SignedAnswer qe = TRY(read_qe_identity(set.at(qe_part).entry, request));
  CrlAnswer pck_crl = TRY(read_pck_crl(set.at(pck_crl_part).entry, request.ca));
  CrlAnswer root_crl = TRY(read_root_crl(set.at(root_crl_part).entry));
  dcap::Collateral out;
  out.tcb_info = tcb.text;
  out.tcb_info_signature = tcb.signature;
  out.tcb_info_issuer_chain = tcb.issuer_chain;
  out.qe_identity = qe.text;
  out.qe_identity_signature = qe.signature;
  out.qe_identity_issuer_chain = qe.issuer_chain;
  out.pck_crl_issuer_chain = std::move(pck_crl.issuer_chain);
  out.pck_crl = std::move(pck_crl.der);
  out.root_ca_crl = std::move(root_crl.der);
  return out;
}

} // namespace

Result<FetchedCollateral> PcsSource::collateral(const PcsRequest& request, Time at) const
{
  const SetCheck check = [&](const std::vector<Loaded>& answers) -> Status {
    return prove_origin(TRY(assemble(answers, request)), anchor_);
  };
  LoadedSet set = TRY(service_.load(wanted_for(service_.options().base, request), at, check));
  FetchedCollateral out;
  out.collateral = TRY(assemble(set.answers, request));
  out.from_network = count_from_network(set.answers);
  out.cache_problem = std::move(set.cache_problem);
  return out;
}

Result<std::string> PcsSource::pck_certificate_chain(const PckRequest& request, Time at) const
{
  const Wanted wanted{"PCK certificate",
                      {pck_certificate_url(service_.options().base, request), any_type,
                       "the platform is not registered with the service"},
                      pck_certificate_headers(),
                      [&request](const CacheEntry& entry) -> Result<std::int64_t> {
                        return TRY(read_pck_certificate(entry, request)).not_after;
                      },
                      Lifetime::refreshed};
  const SetCheck check = [&](const std::vector<Loaded>& answers) -> Status {
    const PckAnswer answer = TRY(read_pck_certificate(answers.at(0).entry, request));
    TRY(dcap::prove_pck_chain(answer.chain, anchor_).within("PCK chain"));
    return ok();
  };
  const LoadedSet set = TRY(service_.load({wanted}, at, check));
  return TRY(read_pck_certificate(set.answers.at(0).entry, request)).chain;
}

} // namespace dstack::fetch
