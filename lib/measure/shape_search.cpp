#include "measure/shape_search.hpp"

#include "measure/inputs.hpp"
#include "measure/machine_layout.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

using Change = std::function<void(AcpiShape&)>;
/// The other values one input may have.
using Factor = std::vector<Change>;

/// Releases whose tables differ from each other's are represented by one (spec host 8).
constexpr std::array<QemuVersion, 6> profiles{
    {{8, 2, 2}, {9, 1, 0}, {9, 2, 1}, {10, 0, 0}, {11, 0, 0}, {11, 1, 0}}};
constexpr std::array<QemuVersion, 6> profile_starts{
    {{8, 0, 0}, {9, 0, 0}, {9, 2, 0}, {10, 0, 0}, {11, 0, 0}, {11, 1, 0}}};

std::size_t profile_of(const QemuVersion& qemu)
{
  std::size_t out = 0;
  while (out + 1 < profile_starts.size() && qemu >= profile_starts[out + 1])
    ++out;
  return out;
}

/// Every value of a list that is not the stated one, as a change of that member.
template <class T>
Factor others(const AcpiShape& stated, T AcpiShape::*member, const std::vector<T>& values)
{
  Factor out;
  for (const T& value : values)
    if (value != stated.*member)
      out.emplace_back([member, value](AcpiShape& shape) { shape.*member = value; });
  return out;
}

Factor other_qemus(const AcpiShape& stated)
{
  Factor out;
  for (std::size_t i = 0; i < profiles.size(); ++i)
    if (i != profile_of(stated.qemu))
      out.emplace_back([i](AcpiShape& shape) {
        shape.qemu = profiles[i];
        shape.pic = habits_of(profiles[i]).pic;
      });
  return out;
}

Factor flipped(bool AcpiShape::*member)
{
  return {[member](AcpiShape& shape) { shape.*member = !(shape.*member); }};
}

std::vector<std::uint32_t> range(std::uint32_t first, std::uint32_t last, std::uint32_t step = 1)
{
  std::vector<std::uint32_t> out;
  for (std::uint32_t value = first; value <= last; value += step)
    out.push_back(value);
  return out;
}

std::vector<std::uint32_t> joined(std::vector<std::uint32_t> a, const std::vector<std::uint32_t>& b)
{
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// QEMU's own, then 8 GiB to 64 TiB by powers of two.
std::vector<std::uint64_t> hole_sizes(unsigned first_power)
{
  std::vector<std::uint64_t> out{0};
  for (unsigned power = first_power; power <= 46; ++power)
    out.push_back(std::uint64_t{1} << power);
  return out;
}

/// Sizes for which tables and kernel header are not those of 2 GiB.
Factor low_memory(const AcpiShape& stated)
{
  std::vector<std::uint64_t> sizes{4 * gib}; // stands for all that are alike
  for (std::uint64_t size = 256 * mib; size < 2816 * mib; size += 256 * mib)
    if (size != 2 * gib) sizes.push_back(size);
  Factor out;
  for (const std::uint64_t size : sizes)
    if (serving_class(size) != serving_class(stated.memory_bytes))
      out.emplace_back([size](AcpiShape& shape) { shape.memory_bytes = size; });
  return out;
}

/// Memory of huge pages on one node, or not. Comes last: the node has what the others decide.
Factor other_nodes()
{
  return {[](AcpiShape& shape) {
    if (!shape.nodes.empty()) return shape.nodes.clear();
    NumaNode node{shape.memory_bytes, {}};
    if (shape.gpus > 0) node.expander_bus = first_expander_bus;
    shape.nodes.push_back(node);
  }};
}

enum class Values { all, usual };

std::vector<Factor> factors_of(const AcpiShape& stated, Values values, MemoryIs memory)
{
  const bool all = values == Values::all;
  const auto cpus =
      all ? joined(joined(range(1, 64), range(72, 256, 8)), {255, 288, 384, 512})
          : std::vector<std::uint32_t>{1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128};
  std::vector<Factor> out;
  if (all) out.push_back(flipped(&AcpiShape::pic)); // before versions that only bring it along
  out.push_back(other_qemus(stated));
  out.push_back(others(stated, &AcpiShape::cpus, cpus));
  out.push_back(others(stated, &AcpiShape::slots, all ? range(1, 28) : range(4, 10)));
  out.push_back(flipped(&AcpiShape::hotplug));
  out.push_back(others(stated, &AcpiShape::pci_hole64, hole_sizes(all ? 33 : 40)));
  out.push_back(others(stated, &AcpiShape::gpus, range(0, 8)));
  out.push_back(
      others(stated, &AcpiShape::nvswitches, all ? range(0, 6) : std::vector<std::uint32_t>{0, 4}));
  if (memory == MemoryIs::unknown) out.push_back(low_memory(stated));
  out.push_back(other_nodes());
  return out;
}

/// Every way to change exactly `count` of the factors from number `from` on.
bool combine(const AcpiShape& shape,
             const std::vector<Factor>& factors,
             std::size_t from,
             std::size_t count,
             const Visitor& visitor)
{
  if (count == 0) return visitor(shape);
  for (std::size_t i = from; i + count <= factors.size(); ++i)
    for (const Change& change : factors[i]) {
      AcpiShape next = shape;
      change(next);
      if (combine(next, factors, i + 1, count - 1, visitor)) return true;
    }
  return false;
}

std::string yes_no(bool value)
{
  return value ? "on" : "off";
}

} // namespace

std::vector<Difference> differences(const TdxShape& stated, const TdxShape& found)
{
  std::vector<Difference> out;
  const auto compare = [&out](std::string_view input, std::string a, std::string b) {
    if (a != b) out.push_back({std::string{input}, std::move(a), std::move(b)});
  };
  const AcpiShape& a = stated.machine;
  const AcpiShape& b = found.machine;
  compare("qemu", text_of(a.qemu), text_of(b.qemu));
  compare("two-pass", yes_no(stated.pages == PageOrder::two_pass),
          yes_no(found.pages == PageOrder::two_pass));
  compare("pic", yes_no(a.pic), yes_no(b.pic));
  const auto header = [](const TdxShape& shape) {
    return shape.header == KernelHeader::written_by_qemu ? "qemu" : "file";
  };
  compare("kernel-header", header(stated), header(found));
  compare("cpus", fmt::format("{}", a.cpus), fmt::format("{}", b.cpus));
  compare("memory", exact_size(a.memory_bytes), exact_size(b.memory_bytes));
  compare("hotplug", yes_no(a.hotplug), yes_no(b.hotplug));
  compare("pci-hole64", exact_size(a.pci_hole64), exact_size(b.pci_hole64));
  compare("slots", fmt::format("{}", a.slots), fmt::format("{}", b.slots));
  compare("gpus", fmt::format("{}", a.gpus), fmt::format("{}", b.gpus));
  compare("nvswitches", fmt::format("{}", a.nvswitches), fmt::format("{}", b.nvswitches));
  compare("numa-nodes", fmt::format("{}", a.nodes.size()), fmt::format("{}", b.nodes.size()));
  if (a.nodes.size() == b.nodes.size() && a.gpus == b.gpus)
    compare("node-gpus", node_gpus_text(a), node_gpus_text(b));
  return out;
}

std::span<const QemuVersion> table_versions()
{
  return profiles;
}

std::vector<std::uint64_t> usual_memory_sizes()
{
  std::vector<std::uint64_t> out;
  const auto add = [&out](std::uint64_t first, std::uint64_t last, std::uint64_t step) {
    for (std::uint64_t size = first; size <= last; size += step)
      out.push_back(size);
  };
  add(gib / 2, 16 * gib, gib / 2);
  add(17 * gib, 64 * gib, gib);
  add(72 * gib, 256 * gib, 8 * gib);
  add(288 * gib, 1024 * gib, 32 * gib);
  add(1088 * gib, 4096 * gib, 64 * gib);
  return out;
}

std::vector<std::uint64_t> all_memory_sizes()
{
  std::vector<std::uint64_t> out = usual_memory_sizes();
  const auto add = [&out](std::uint64_t first, std::uint64_t last, std::uint64_t step) {
    for (std::uint64_t size = first; size <= last; size += step)
      out.push_back(size);
  };
  add(gib, 4096 * gib, gib);
  add(16 * gib, 64 * gib, 64 * mib);
  add(64 * mib, 16 * gib, mib);
  return out;
}

bool search_shapes(const std::vector<AcpiShape>& starts, MemoryIs memory, const Visitor& visitor)
{
  constexpr std::size_t most_changes = 3;
  for (std::size_t changes = 0; changes <= most_changes; ++changes)
    for (const AcpiShape& start : starts) {
      const Values values = changes < most_changes ? Values::all : Values::usual;
      if (combine(start, factors_of(start, values, memory), 0, changes, visitor)) return true;
    }
  return false;
}

} // namespace dstack::measure
