#include "host/facts.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace dstack::host {

using codec::Json;

namespace {

enum class Kind { text, number, flag, texts };
struct Member {
  std::string_view path;
  Kind kind;
};

/// Every member that is looked at. What its values mean stands where they are gathered (lib/probe).
constexpr std::array members{
    Member{"origin", Kind::text},
    Member{"kernel.release", Kind::text},
    Member{"kernel.hibernation", Kind::text},
    Member{"cpu.vendor", Kind::text},
    Member{"cpu.model", Kind::text},
    Member{"cpu.family", Kind::number},
    Member{"cpu.model_number", Kind::number},
    Member{"cpu.count", Kind::number},
    Member{"cpu.flags", Kind::texts},
    Member{"cpu.snp", Kind::flag},
    Member{"cpu.sev_guests", Kind::number},
    Member{"cpu.min_sev_asid", Kind::number},
    Member{"msr.error", Kind::text},
    Member{"msr.tme", Kind::flag},
    Member{"msr.seam_range", Kind::flag},
    Member{"msr.tdx_keys", Kind::number},
    Member{"kvm.opens", Kind::flag},
    Member{"kvm.error", Kind::text},
    Member{"kvm.vm_types", Kind::number},
    Member{"kvm_intel.loaded", Kind::flag},
    Member{"kvm_intel.tdx", Kind::text},
    Member{"kvm_amd.loaded", Kind::flag},
    Member{"kvm_amd.sev_snp", Kind::text},
    Member{"tdx_module.version", Kind::text},
    Member{"tdx_module.status", Kind::text},
    Member{"misc_cgroup.tdx", Kind::number},
    Member{"misc_cgroup.sev_es", Kind::number},
    Member{"sev.opens", Kind::flag},
    Member{"sev.error", Kind::text},
    Member{"sgx.enclave", Kind::flag},
    Member{"sgx.provision", Kind::flag},
    Member{"qemu.path", Kind::text},
    Member{"qemu.version", Kind::text},
    Member{"qemu.error", Kind::text},
    Member{"qemu.objects", Kind::texts},
    Member{"qemu.sev_error", Kind::text},
    Member{"qemu.c_bit_position", Kind::number},
    Member{"qemu.reduced_phys_bits", Kind::number},
    Member{"quote_service.port", Kind::number},
    Member{"quote_service.answers", Kind::flag},
    Member{"quote_service.error", Kind::text},
    Member{"pccs.url", Kind::text},
    Member{"pccs.answers", Kind::flag},
    Member{"pccs.error", Kind::text},
    Member{"kds.url", Kind::text},
    Member{"kds.answers", Kind::flag},
    Member{"kds.error", Kind::text},
    Member{"vsock.opens", Kind::flag},
    Member{"vsock.error", Kind::text},
    Member{"memory.total_bytes", Kind::number},
    Member{"memory.available_bytes", Kind::number},
    Member{"limits.memlock_bytes", Kind::number},
    Member{"limits.open_files", Kind::number},
    Member{"limits.cgroup_memory_bytes", Kind::number},
    Member{"iommu.groups", Kind::number},
    Member{"iommu.iommufd", Kind::flag},
    Member{"bridges", Kind::texts},
    Member{"swtpm.path", Kind::text},
};
constexpr std::size_t max_items = 4096;

const Json* at(const Json& document, std::string_view path)
{
  const Json* here = &document;
  for (const std::string_view part : split(path, '.')) {
    here = here->find(part);
    if (here == nullptr) return nullptr;
  }
  return here;
}

bool all_texts(const Json& value)
{
  return value.is_array() && value.items().size() <= max_items &&
         std::all_of(value.items().begin(), value.items().end(),
                     [](const Json& item) { return item.is_string(); });
}

bool fits(const Json& value, Kind kind)
{
  switch (kind) {
  case Kind::text:
    return value.is_string();
  case Kind::number:
    return static_cast<bool>(value.as_u64());
  case Kind::flag:
    return value.is_bool();
  case Kind::texts:
    return all_texts(value);
  }
  return false;
}

std::string_view wanted(Kind kind)
{
  switch (kind) {
  case Kind::text:
    return "text";
  case Kind::number:
    return "a whole number";
  case Kind::flag:
    return "true or false";
  case Kind::texts:
    return "a list of texts";
  }
  return "";
}

Result<HugePages> pages_from(const Json& json)
{
  HugePages out;
  out.page_kib = TRY(json.need_u64("page_kib"));
  out.total = TRY(json.need_u64("total"));
  out.free = TRY(json.need_u64("free"));
  return out;
}

Result<NumaNode> node_from(const Json& json)
{
  NumaNode out;
  out.number = TRY(json.need_u64("node"));
  out.cpus = TRY(json.need_string("cpus"));
  out.memory_bytes = TRY(json.get_u64("memory_bytes", 0));
  if (json.find("hugepages") == nullptr) return out;
  for (const Json& item : TRY(json.need_array("hugepages"))->items())
    out.pages.push_back(TRY(pages_from(item).within("hugepages")));
  return out;
}

Result<Gpu> gpu_from(const Json& json)
{
  Gpu out;
  out.slot = TRY(json.need_string("slot"));
  out.device = TRY(json.need_string("device"));
  out.is_switch = TRY(json.get_bool("switch", false));
  out.driver = TRY(json.get_string("driver", ""));
  out.iommu_group = TRY(json.get_string("iommu_group", ""));
  out.numa_node = TRY(json.get_u64("numa_node", 0));
  return out;
}

template <class T>
Result<std::vector<T>>
list_from(const Json& document, std::string_view key, Result<T> (*each)(const Json&))
{
  std::vector<T> out;
  if (document.find(key) == nullptr) return out;
  const codec::JsonArray& items = TRY(document.need_array(key))->items();
  if (items.size() > max_items) return fail(Errc::malformed, "{}: {} items", key, items.size());
  for (const Json& item : items)
    out.push_back(TRY(each(item).within("{}", key)));
  return out;
}

} // namespace

Result<Facts> Facts::from_json(Json document)
{
  const std::string schema = TRY(document.need_string("schema"));
  if (schema != facts_schema)
    return fail(Errc::unsupported, "schema '{}' (want {})", printable(schema), facts_schema);
  for (const Member& member : members) {
    const auto dot = member.path.find('.');
    const Json* group = document.find(member.path.substr(0, dot));
    if (dot != std::string_view::npos && group != nullptr && !group->is_object())
      return fail(Errc::malformed, "{}: want an object", member.path.substr(0, dot));
    const Json* value = at(document, member.path);
    if (value != nullptr && !fits(*value, member.kind))
      return fail(Errc::malformed, "{}: want {}", member.path, wanted(member.kind));
  }
  TRY(list_from<NumaNode>(document, "numa", node_from));
  TRY(list_from<Gpu>(document, "gpus", gpu_from));
  return Facts{std::move(document)};
}

Result<Facts> Facts::parse(std::string_view text)
{
  return from_json(TRY(codec::parse_json(text, {.max_bytes = max_facts})));
}

std::string Facts::text(std::string_view path) const
{
  const Json* value = at(document_, path);
  return value != nullptr && value->is_string() ? value->text() : "";
}

std::optional<std::uint64_t> Facts::number(std::string_view path) const
{
  const Json* value = at(document_, path);
  if (value == nullptr) return std::nullopt;
  const auto number = value->as_u64();
  return number ? std::optional{*number} : std::nullopt;
}

std::optional<bool> Facts::flag(std::string_view path) const
{
  const Json* value = at(document_, path);
  if (value == nullptr) return std::nullopt;
  const auto flag = value->as_bool();
  return flag ? std::optional{*flag} : std::nullopt;
}

std::vector<std::string> Facts::texts(std::string_view path) const
{
  std::vector<std::string> out;
  const Json* value = at(document_, path);
  if (value == nullptr || !all_texts(*value)) return out;
  for (const Json& item : value->items())
    out.push_back(item.text());
  return out;
}

bool Facts::lists(std::string_view path, std::string_view word) const
{
  const auto all = texts(path);
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::vector<NumaNode> numa_nodes(const Facts& facts)
{
  auto nodes = list_from<NumaNode>(facts.json(), "numa", node_from);
  return nodes ? std::move(*nodes) : std::vector<NumaNode>{};
}

std::vector<Gpu> gpus(const Facts& facts)
{
  auto all = list_from<Gpu>(facts.json(), "gpus", gpu_from);
  return all ? std::move(*all) : std::vector<Gpu>{};
}

Json to_json(const NumaNode& node)
{
  Json pages = Json::array();
  for (const HugePages& size : node.pages)
    pages.push(
        Json{}.set("page_kib", size.page_kib).set("total", size.total).set("free", size.free));
  Json out;
  out.set("node", node.number).set("cpus", node.cpus).set("memory_bytes", node.memory_bytes);
  return out.set("hugepages", std::move(pages));
}

Json to_json(const Gpu& gpu)
{
  Json out;
  out.set("slot", gpu.slot).set("device", gpu.device).set("switch", gpu.is_switch);
  out.set("driver", gpu.driver);
  return out.set("iommu_group", gpu.iommu_group).set("numa_node", gpu.numa_node);
}

} // namespace dstack::host
