#include "dcap/tcb_match.hpp"

#include <algorithm>

namespace dstack::dcap {

namespace {

template <std::size_t N> Field<N> masked(const Field<N>& value, const Field<N>& mask)
{
  Field<N> out{};
  for (std::size_t i = 0; i < N; ++i)
    out.at(i) = static_cast<std::uint8_t>(value.at(i) & mask.at(i));
  return out;
}

PartStatus part_of(const Level& level, std::int64_t superseded)
{
  return {level.status, level.date, superseded, level.advisory_ids};
}

/// Oldest tcbDate after that of levels[at], among the levels above it.
template <class T> std::int64_t superseded_at(const std::vector<T>& levels, std::size_t at)
{
  std::int64_t out = 0;
  for (std::size_t i = 0; i < at; ++i) {
    const std::int64_t date = levels[i].level.date;
    if (date > levels[at].level.date && (out == 0 || date < out)) out = date;
  }
  return out;
}

Result<PartStatus> svn_part(const std::vector<SvnLevel>& levels, std::uint16_t svn)
{
  const SvnLevel* found = level_for(levels, svn);
  if (found == nullptr) return fail(Errc::untrusted, "no level for ISVSVN {}", svn);
  const auto at = static_cast<std::size_t>(found - levels.data());
  return part_of(found->level, superseded_at(levels, at));
}

bool at_least(const Field<16>& have, const Field<16>& want, std::size_t from)
{
  for (std::size_t i = from; i < have.size(); ++i)
    if (have.at(i) < want.at(i)) return false;
  return true;
}

/// The first level the platform reaches; tdx_svn is null for SGX.
Result<PartStatus>
platform_part(const PckExtension& pck, const TcbInfo& info, const Field<16>* tdx_svn)
{
  // With a module major version, components 0 and 1 are the module's and judged by its identity.
  const std::size_t from = tdx_svn != nullptr && tdx_svn->at(1) != 0 ? 2 : 0;
  for (std::size_t i = 0; i < info.levels.size(); ++i) {
    const PlatformLevel& level = info.levels[i];
    if (!at_least(pck.components, level.sgx, 0) || pck.pce_svn < level.pce_svn) continue;
    if (tdx_svn != nullptr && !at_least(*tdx_svn, level.tdx, from)) continue;
    return part_of(level.level, superseded_at(info.levels, i));
  }
  return fail(Errc::untrusted, "the platform's TCB reaches no level of the TCB info");
}

Result<PartStatus> module_part(const TcbInfo& info, const Field<16>& tdx_svn)
{
  if (tdx_svn[1] == 0) return PartStatus{};
  const ModuleIdentity* module = info.module_of(tdx_svn[1]);
  if (module == nullptr)
    return fail(Errc::untrusted, "TCB info knows no TDX module of major version {}", tdx_svn[1]);
  return svn_part(module->levels, tdx_svn[0]).within("TDX module {}", module->id);
}

Result<TcbResult> evaluate_at(const PckExtension& pck,
                              const TcbInfo& info,
                              const PartStatus& qe,
                              const Field<16>* tdx_svn)
{
  TcbResult out;
  out.platform = TRY(platform_part(pck, info, tdx_svn));
  if (tdx_svn != nullptr) out.module = TRY(module_part(info, *tdx_svn));
  out.qe = qe;
  out.status = converge(out.platform.status, out.module.status, out.qe.status);
  return out;
}

} // namespace

Status match_qe(const EnclaveReport& qe, const QeIdentity& identity, Counts& counts)
{
  constexpr std::uint8_t debug = 0x02;
  counts.comparisons += 5;
  // The identity writes MISCSELECT in the report's byte order.
  if (masked(qe.misc_select, identity.misc_select_mask) != identity.misc_select)
    return fail(Errc::untrusted, "MISCSELECT {} (want {} under mask {})", hex(qe.misc_select),
                hex(identity.misc_select), hex(identity.misc_select_mask));
  if (masked(qe.attributes, identity.attributes_mask) != identity.attributes)
    return fail(Errc::untrusted, "ATTRIBUTES {} (want {} under mask {})", hex(qe.attributes),
                hex(identity.attributes), hex(identity.attributes_mask));
  if (qe.mr_signer != identity.mr_signer)
    return fail(Errc::untrusted, "MRSIGNER {} (want {})", hex(qe.mr_signer),
                hex(identity.mr_signer));
  if (qe.isv_prod_id != identity.isv_prod_id)
    return fail(Errc::untrusted, "ISVPRODID {} (want {})", qe.isv_prod_id, identity.isv_prod_id);
  if ((qe.attributes[0] & debug) != 0) return fail(Errc::untrusted, "the QE runs in debug mode");
  return ok();
}

Result<PartStatus> qe_level(const EnclaveReport& qe, const QeIdentity& identity)
{
  PartStatus out = TRY(svn_part(identity.levels, qe.isv_svn));
  // Only these three exist for a QE (spec verify 10.2).
  if (out.status != TcbStatus::up_to_date && out.status != TcbStatus::revoked)
    out.status = TcbStatus::out_of_date;
  return out;
}

Status match_module(const TdReport& td, const TcbInfo& info, Counts& counts)
{
  const ModuleMatch* match = &info.base_module;
  const std::uint8_t major = td.tee_tcb_svn[1];
  if (major != 0) {
    const ModuleIdentity* module = info.module_of(major);
    if (module == nullptr)
      return fail(Errc::untrusted, "TCB info knows no TDX module of major version {}", major);
    match = &module->match;
  }
  counts.comparisons += 3;
  if (td.mr_signer_seam != match->mr_signer)
    return fail(Errc::untrusted, "MRSIGNERSEAM {} (want {})", hex(td.mr_signer_seam),
                hex(match->mr_signer));
  if (masked(td.seam_attributes, match->attributes_mask) != match->attributes ||
      td.seam_attributes != Field<8>{})
    return fail(Errc::untrusted, "SEAMATTRIBUTES {} (want {} under mask {}, and zero)",
                hex(td.seam_attributes), hex(match->attributes), hex(match->attributes_mask));
  return ok();
}

Result<TcbResult>
evaluate_tcb(const Quote& quote, const PckExtension& pck, const TcbInfo& info, const PartStatus& qe)
{
  if (quote.tee == TeeType::sgx) return evaluate_at(pck, info, qe, nullptr);
  TcbResult out = TRY(evaluate_at(pck, info, qe, &quote.td.tee_tcb_svn));
  if (!quote.has_td15()) return out;
  const TcbResult now =
      TRY(evaluate_at(pck, info, qe, &quote.td.td15.tee_tcb_svn_2).within("running TCB"));
  out.status = relaunch(out.status, now.status);
  return out;
}

} // namespace dstack::dcap
