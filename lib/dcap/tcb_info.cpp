#include "dcap/tcb_info.hpp"

#include "base/calendar.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"
#include "dcap/signed_json.hpp"

#include <algorithm>

namespace dstack::dcap {

namespace {

using codec::Json;

constexpr std::size_t max_levels = 256;
constexpr std::size_t max_modules = 64;
constexpr std::size_t max_advisories = 256;
constexpr std::size_t component_count = 16;

Result<Json> parse_document(std::string_view text)
{
  codec::JsonLimits limits;
  limits.max_bytes = max_signed_json;
  limits.max_depth = 32;
  return codec::parse_json(text, limits);
}

Result<std::uint64_t> number(const Json& in, std::string_view key, std::uint64_t limit)
{
  const std::uint64_t value = TRY(in.need_u64(key));
  if (value > limit) return fail(Errc::malformed, "{} is {} (at most {})", key, value, limit);
  return value;
}

template <std::size_t N> Result<Field<N>> bytes(const Json& in, std::string_view key)
{
  return parse_hex_array<N>(TRY(in.need_string(key))).within("{}", key);
}

Result<std::int64_t> date(const Json& in, std::string_view key)
{
  return parse_utc(TRY(in.need_string(key))).within("{}", key);
}

Result<const codec::JsonArray*> array(const Json& in, std::string_view key, std::size_t limit)
{
  const Json* found = TRY(in.need_array(key));
  if (found->items().size() > limit)
    return fail(Errc::malformed, "{} entries in {} (limit {})", found->items().size(), key, limit);
  return &found->items();
}

Result<Level> read_level(const Json& in)
{
  Level out;
  const std::string status = TRY(in.need_string("tcbStatus"));
  const auto known = parse_document_status(status);
  if (!known) return fail(Errc::malformed, "unknown tcbStatus '{}'", printable(status));
  out.status = *known;
  out.date = TRY(date(in, "tcbDate"));
  if (in.find("advisoryIDs") != nullptr) {
    out.advisory_ids = TRY(in.get_strings("advisoryIDs"));
    if (out.advisory_ids.size() > max_advisories)
      return fail(Errc::malformed, "more than {} advisories", max_advisories);
  }
  return out;
}

Result<SvnLevel> read_svn_level(const Json& in)
{
  SvnLevel out;
  const Json* tcb = TRY(in.need_object("tcb"));
  out.isv_svn = static_cast<std::uint16_t>(TRY(number(*tcb, "isvsvn", 65'535)));
  out.level = TRY(read_level(in));
  return out;
}

/// All entries of an array through read, in order; none is an error.
template <class T, class Read>
Result<std::vector<T>>
read_all(const Json& in, std::string_view key, std::size_t limit, const Read& read)
{
  const codec::JsonArray* items = TRY(array(in, key, limit));
  if (items->empty()) return fail(Errc::malformed, "{} is empty", key);
  std::vector<T> out;
  out.reserve(items->size());
  for (const Json& item : *items)
    out.push_back(TRY(read(item).within("{}[{}]", key, out.size())));
  return out;
}

/// Highest first; two levels with the same key are refused.
template <class T, class Key> Status sort_levels(std::vector<T>& levels, const Key& key)
{
  std::stable_sort(levels.begin(), levels.end(),
                   [&](const T& a, const T& b) { return key(a) > key(b); });
  const auto twice = std::adjacent_find(levels.begin(), levels.end(),
                                        [&](const T& a, const T& b) { return key(a) == key(b); });
  if (twice != levels.end()) return fail(Errc::malformed, "two levels for the same TCB");
  return ok();
}

Result<std::vector<SvnLevel>> read_svn_levels(const Json& in)
{
  auto out = TRY(read_all<SvnLevel>(in, "tcbLevels", max_levels, read_svn_level));
  TRY(sort_levels(out, [](const SvnLevel& level) { return level.isv_svn; }));
  return out;
}

Result<Field<16>> read_components(const Json& tcb, std::string_view key)
{
  const codec::JsonArray* items = TRY(array(tcb, key, component_count));
  if (items->size() != component_count)
    return fail(Errc::malformed, "{} has {} entries (want 16)", key, items->size());
  Field<16> out{};
  for (std::size_t i = 0; i < component_count; ++i)
    out.at(i) =
        static_cast<std::uint8_t>(TRY(number((*items)[i], "svn", 255).within("{}[{}]", key, i)));
  return out;
}

Result<Field<16>> read_components_v2(const Json& tcb)
{
  Field<16> out{};
  for (std::size_t i = 0; i < component_count; ++i) {
    const std::string key = fmt::format("sgxtcbcomp{:02}svn", i + 1);
    out.at(i) = static_cast<std::uint8_t>(TRY(number(tcb, key, 255)));
  }
  return out;
}

Result<PlatformLevel> read_platform_level(const Json& in, const TcbInfo& info)
{
  PlatformLevel out;
  const Json* tcb = TRY(in.need_object("tcb"));
  out.sgx = info.version == 2 ? TRY(read_components_v2(*tcb))
                              : TRY(read_components(*tcb, "sgxtcbcomponents"));
  if (info.tee == TeeType::tdx) out.tdx = TRY(read_components(*tcb, "tdxtcbcomponents"));
  out.pce_svn = static_cast<std::uint16_t>(TRY(number(*tcb, "pcesvn", 65'535)));
  out.level = TRY(read_level(in));
  return out;
}

Result<ModuleMatch> read_module_match(const Json& in)
{
  ModuleMatch out;
  out.mr_signer = TRY(bytes<48>(in, "mrsigner"));
  out.attributes = TRY(bytes<8>(in, "attributes"));
  out.attributes_mask = TRY(bytes<8>(in, "attributesMask"));
  return out;
}

Result<ModuleIdentity> read_module(const Json& in)
{
  ModuleIdentity out;
  out.id = TRY(in.need_string("id"));
  out.match = TRY(read_module_match(in));
  out.levels = TRY(read_svn_levels(in));
  return out;
}

Status read_modules(const Json& in, TcbInfo& out)
{
  out.base_module = TRY(read_module_match(*TRY(in.need_object("tdxModule"))).within("tdxModule"));
  const Json* modules = in.find("tdxModuleIdentities");
  if (modules == nullptr || (modules->is_array() && modules->items().empty())) return ok();
  out.modules = TRY(read_all<ModuleIdentity>(in, "tdxModuleIdentities", max_modules, read_module));
  return sort_levels(out.modules, [](const ModuleIdentity& m) { return lower(m.id); })
      .within("tdxModuleIdentities");
}

Result<TeeType> read_tcb_tee(const Json& in, unsigned version)
{
  if (version == 2) {
    if (in.find("id") != nullptr) return fail(Errc::malformed, "an id in version 2");
    return TeeType::sgx;
  }
  const std::string id = TRY(in.need_string("id"));
  if (id == "SGX") return TeeType::sgx;
  if (id == "TDX") return TeeType::tdx;
  return fail(Errc::malformed, "id '{}' (want SGX or TDX)", printable(id));
}

Result<TcbInfo> read_tcb_info(const Json& in)
{
  TcbInfo out;
  out.version = static_cast<unsigned>(TRY(number(in, "version", 255)));
  if (out.version != 2 && out.version != 3)
    return fail(Errc::unsupported, "version {} (want 2 or 3)", out.version);
  out.tee = TRY(read_tcb_tee(in, out.version));
  out.issue_date = TRY(date(in, "issueDate"));
  out.next_update = TRY(date(in, "nextUpdate"));
  out.fmspc = TRY(bytes<6>(in, "fmspc"));
  out.pce_id = TRY(bytes<2>(in, "pceId"));
  if (TRY(in.need_u64("tcbType")) != 0) return fail(Errc::unsupported, "tcbType (want 0)");
  out.evaluation_number =
      static_cast<std::uint32_t>(TRY(number(in, "tcbEvaluationDataNumber", UINT32_MAX)));
  if (out.tee == TeeType::tdx) TRY(read_modules(in, out));
  const auto read = [&](const Json& level) { return read_platform_level(level, out); };
  out.levels = TRY(read_all<PlatformLevel>(in, "tcbLevels", max_levels, read));
  TRY(sort_levels(out.levels, [](const PlatformLevel& level) {
    return std::tie(level.sgx, level.pce_svn, level.tdx);
  }));
  return out;
}

Result<QeIdentity> read_qe_identity(const Json& in)
{
  QeIdentity out;
  const std::string id = TRY(in.need_string("id"));
  if (id != "QE" && id != "TD_QE")
    return fail(Errc::malformed, "id '{}' (want QE or TD_QE)", printable(id));
  out.tee = id == "QE" ? TeeType::sgx : TeeType::tdx;
  if (TRY(in.need_u64("version")) != 2) return fail(Errc::unsupported, "version (want 2)");
  out.issue_date = TRY(date(in, "issueDate"));
  out.next_update = TRY(date(in, "nextUpdate"));
  out.evaluation_number =
      static_cast<std::uint32_t>(TRY(number(in, "tcbEvaluationDataNumber", UINT32_MAX)));
  out.misc_select = TRY(bytes<4>(in, "miscselect"));
  out.misc_select_mask = TRY(bytes<4>(in, "miscselectMask"));
  out.attributes = TRY(bytes<16>(in, "attributes"));
  out.attributes_mask = TRY(bytes<16>(in, "attributesMask"));
  out.mr_signer = TRY(bytes<32>(in, "mrsigner"));
  out.isv_prod_id = static_cast<std::uint16_t>(TRY(number(in, "isvprodid", 65'535)));
  out.levels = TRY(read_svn_levels(in));
  return out;
}

} // namespace

const ModuleIdentity* TcbInfo::module_of(std::uint8_t major) const
{
  const std::string wanted = fmt::format("tdx_{:02x}", major);
  const auto at = std::find_if(modules.begin(), modules.end(),
                               [&](const ModuleIdentity& m) { return lower(m.id) == wanted; });
  return at == modules.end() ? nullptr : &*at;
}

const SvnLevel* level_for(const std::vector<SvnLevel>& levels, std::uint16_t svn)
{
  const auto at = std::find_if(levels.begin(), levels.end(),
                               [&](const SvnLevel& level) { return svn >= level.isv_svn; });
  return at == levels.end() ? nullptr : &*at;
}

Result<TcbInfo> parse_tcb_info(std::string_view text)
{
  const Json document = TRY(parse_document(text).within("TCB info"));
  return read_tcb_info(document).within("TCB info");
}

Result<QeIdentity> parse_qe_identity(std::string_view text)
{
  const Json document = TRY(parse_document(text).within("QE identity"));
  return read_qe_identity(document).within("QE identity");
}

} // namespace dstack::dcap
