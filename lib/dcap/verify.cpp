#include "dcap/verify.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"

#include <algorithm>

namespace dstack::dcap {

namespace {

/// Entries kept of each kind; a full table starts over.
constexpr std::size_t max_remembered = 256;

template <class Map> void bound(Map& map)
{
  if (map.size() >= max_remembered) map.clear();
}

Status check_windows(const std::vector<Window>& windows, std::int64_t at, Counts& counts)
{
  for (const Window& window : windows) {
    ++counts.windows;
    if (at < window.from)
      return fail(Errc::untrusted, "{} is not valid before {} (judged at {})", window.what,
                  format_utc({window.from * 1000}), format_utc({at * 1000}));
    if (at > window.to)
      return fail(Errc::untrusted, "{} expired {} (judged at {})", window.what,
                  format_utc({window.to * 1000}), format_utc({at * 1000}));
  }
  return ok();
}

Status check_revocation(const SignedCollateral& collateral, const PckChain& chain, Counts& counts)
{
  const auto listed = [&](const x509::Crl& crl, ByteView serial) {
    ++counts.comparisons;
    return crl.lists(serial);
  };
  for (const Bytes& serial : collateral.serials)
    if (listed(collateral.root_crl, serial))
      return fail(Errc::untrusted, "the TCB signing certificate or its root is revoked");
  if (listed(collateral.root_crl, chain.root.serial))
    return fail(Errc::untrusted, "the root certificate is revoked");
  if (listed(collateral.root_crl, chain.intermediate.serial))
    return fail(Errc::untrusted, "the PCK CA certificate is revoked");
  if (listed(collateral.pck_crl, chain.leaf.serial))
    return fail(Errc::untrusted, "the PCK certificate {} is revoked", hex(chain.leaf.serial));
  return ok();
}

Status check_qe_binding(const Quote& quote, Counts& counts)
{
  const auto digest = crypto::sha256(concat({quote.attestation_key, quote.qe_auth_data}));
  Field<64> want{};
  std::copy(digest.begin(), digest.end(), want.begin());
  ++counts.comparisons;
  if (quote.qe.report_data == want) return ok();
  return fail(Errc::untrusted, "QE report data is {} (want {})", hex(quote.qe.report_data),
              hex(want));
}

Status check_tcb_info_match(const Quote& quote,
                            const PckExtension& pck,
                            const SignedCollateral& collateral,
                            Counts& counts)
{
  const TcbInfo& info = collateral.tcb_info;
  counts.comparisons += 4;
  if (info.tee != quote.tee || collateral.qe_identity.tee != quote.tee)
    return fail(Errc::untrusted, "collateral for {} and {} with a quote of {}", name_of(info.tee),
                name_of(collateral.qe_identity.tee), name_of(quote.tee));
  if (info.fmspc != pck.fmspc)
    return fail(Errc::untrusted, "TCB info for FMSPC {} (the platform's is {})", hex(info.fmspc),
                hex(pck.fmspc));
  if (info.pce_id != pck.pce_id)
    return fail(Errc::untrusted, "TCB info for PCEID {} (the platform's is {})", hex(info.pce_id),
                hex(pck.pce_id));
  if (quote.certification_type > 3) return ok();
  const PlatformIds ids = TRY(platform_ids(quote));
  if (!ids.pce_id.empty() && !equal(ids.pce_id, pck.pce_id))
    return fail(Errc::untrusted, "quote for PCEID {} (the certificate's is {})", hex(ids.pce_id),
                hex(pck.pce_id));
  return ok();
}

void note_windows(DcapReport& out)
{
  out.latest_start = out.windows.front().from;
  out.earliest_expiration = out.windows.front().to;
  for (const Window& window : out.windows) {
    out.latest_start = std::max(out.latest_start, window.from);
    out.earliest_expiration = std::min(out.earliest_expiration, window.to);
  }
}

void note_levels(DcapReport& out)
{
  for (const PartStatus* part : {&out.tcb.platform, &out.tcb.module, &out.tcb.qe}) {
    if (part->date != 0 && (out.tcb_date == 0 || part->date < out.tcb_date))
      out.tcb_date = part->date;
    for (const std::string& id : part->advisory_ids)
      if (std::find(out.advisory_ids.begin(), out.advisory_ids.end(), id) == out.advisory_ids.end())
        out.advisory_ids.push_back(id);
  }
}

} // namespace

struct Verifier::Run {
  Stage stage = Stage::quote_format;
  Counts counts{};
};

Result<std::shared_ptr<const SignedCollateral>>
Verifier::collateral(const Collateral& from, const Digest& key, Run& run)
{
  if (const auto known = collaterals_.find(key); known != collaterals_.end()) {
    run.counts.remembered += known->second->counts.signatures;
    return known->second;
  }
  CollateralPart part{};
  auto proven = prove_collateral(std::make_shared<const Collateral>(from), anchor_, part);
  if (!proven) {
    constexpr std::array stages{Stage::root_crl, Stage::tcb_info, Stage::qe_identity,
                                Stage::pck_crl};
    run.stage = stages.at(static_cast<std::size_t>(part));
    return std::move(proven).error();
  }
  run.counts += proven->counts;
  bound(collaterals_);
  const auto kept = std::make_shared<const SignedCollateral>(*std::move(proven));
  collaterals_.emplace(key, kept);
  return kept;
}

Result<std::shared_ptr<const PckChain>>
Verifier::pck_chain(std::string_view pem, const Digest& key, Run& run)
{
  run.stage = Stage::pck_chain;
  if (pem.empty())
    return fail(Errc::untrusted, "neither quote nor collateral carries a PCK certificate chain");
  if (const auto known = chains_.find(key); known != chains_.end()) {
    run.counts.remembered += known->second->counts.signatures;
    return known->second;
  }
  auto proven = TRY(prove_pck_chain(pem, anchor_));
  run.counts += proven.counts;
  bound(chains_);
  const auto kept = std::make_shared<const PckChain>(std::move(proven));
  chains_.emplace(key, kept);
  return kept;
}

Status Verifier::check_pck_crl(const SignedCollateral& collateral,
                               const PckChain& chain,
                               const std::pair<Digest, Digest>& key,
                               Run& run)
{
  run.stage = Stage::pck_crl;
  if (proven_crls_.contains(key)) {
    ++run.counts.remembered;
    return ok();
  }
  TRY(check_crl(collateral.pck_crl, chain.intermediate, *chain.intermediate_key, run.counts)
          .within("PCK CRL"));
  bound(proven_crls_);
  proven_crls_.insert(key);
  return ok();
}

Result<std::shared_ptr<const crypto::P256Public>> Verifier::attestation_key(ByteView xy)
{
  Field<64> key{};
  std::copy(xy.begin(), xy.end(), key.begin());
  if (const auto known = keys_.find(key); known != keys_.end()) return known->second;
  auto made = std::make_shared<const crypto::P256Public>(
      TRY(crypto::P256Public::from_xy(xy).within("attestation key")));
  bound(keys_);
  keys_.emplace(key, made);
  return std::shared_ptr<const crypto::P256Public>{std::move(made)};
}

Result<DcapReport> Verifier::run(
    ByteView raw, const Collateral& from, const Digest& from_digest, std::int64_t at, Run& run)
{
  DcapReport out;
  Counts& counts = run.counts;
  out.quote = TRY(parse_quote(raw));
  const Quote& quote = out.quote;
  const auto proven = TRY(collateral(from, from_digest, run));
  const std::string_view pem = quote.certification_type == 5 ? as_text(quote.certification_data)
                                                             : from.pck_certificate_chain;
  const Digest pem_digest = crypto::sha256(as_bytes(pem));
  const auto chain = TRY(pck_chain(pem, pem_digest, run));
  TRY(check_pck_crl(*proven, *chain, {from_digest, pem_digest}, run));
  run.stage = Stage::validity;
  out.windows = proven->windows;
  out.windows.insert(out.windows.end(), chain->windows.begin(), chain->windows.end());
  TRY(check_windows(out.windows, at, counts));
  run.stage = Stage::revocation;
  TRY(check_revocation(*proven, *chain, counts));
  run.stage = Stage::pck_extension;
  out.pck = TRY(parse_pck_extension(chain->leaf));
  out.platform_ca = chain->platform_ca;
  run.stage = Stage::qe_report_signature;
  ++counts.signatures;
  if (!chain->leaf_key->verify_raw(crypto::sha256(quote.qe_report), quote.qe_report_signature))
    return fail(Errc::untrusted, "the signature over the QE report does not verify");
  run.stage = Stage::qe_report_data;
  TRY(check_qe_binding(quote, counts));
  run.stage = Stage::qe_identity_match;
  TRY(match_qe(quote.qe, proven->qe_identity, counts));
  const PartStatus qe = TRY(qe_level(quote.qe, proven->qe_identity));
  run.stage = Stage::quote_signature;
  const auto key = TRY(attestation_key(quote.attestation_key));
  ++counts.signatures;
  if (!key->verify_raw(crypto::sha256(quote.signed_part), quote.signature))
    return fail(Errc::untrusted, "the signature over the quote does not verify");
  run.stage = Stage::tcb_info_match;
  TRY(check_tcb_info_match(quote, out.pck, *proven, counts));
  run.stage = Stage::tdx_module;
  if (quote.tee == TeeType::tdx) TRY(match_module(quote.td, proven->tcb_info, counts));
  run.stage = Stage::tcb_level;
  out.tcb = TRY(evaluate_tcb(quote, out.pck, proven->tcb_info, qe));
  if (out.tcb.status == TcbStatus::revoked)
    return fail(Errc::untrusted, "Intel has revoked this TCB");
  out.evaluation_number =
      std::min(proven->tcb_info.evaluation_number, proven->qe_identity.evaluation_number);
  note_windows(out);
  note_levels(out);
  return out;
}

Verification Verifier::verify(ByteView quote, const Collateral& collateral, std::int64_t at)
{
  return verify(quote, collateral, HashedCollateral::digest_of(collateral), at);
}

Verification Verifier::verify(ByteView quote, const HashedCollateral& collateral, std::int64_t at)
{
  return verify(quote, collateral.set(), collateral.digest(), at);
}

Verification Verifier::verify(ByteView quote,
                              const Collateral& collateral,
                              const Digest& digest,
                              std::int64_t at)
{
  Run state;
  Verification out;
  auto report = run(quote, collateral, digest, at, state);
  out.reached = state.stage;
  out.counts = state.counts;
  if (report)
    out.report = *std::move(report);
  else
    out.error = std::move(report).error();
  return out;
}

} // namespace dstack::dcap
