#pragma once
/// The machines a VM may really have been, those that differ least from what was stated first.

#include "measure/tdx.hpp"

#include <functional>
#include <span>

namespace dstack::measure {

/// An input that is not what was stated.
struct Difference {
  std::string input{};  ///< as the option of `dstack measure` is called: "cpus"
  std::string stated{};
  std::string found{};
  bool operator==(const Difference&) const = default;
};

/// What of two shapes differs, in a fixed order.
std::vector<Difference> differences(const TdxShape& stated, const TdxShape& found);

/// A release for each set of tables that QEMU has had, oldest first (spec host 8).
std::span<const QemuVersion> table_versions();

/// Memory sizes that VMs have, ascending: half gigabytes, gigabytes, then steps of 8 to 64.
std::vector<std::uint64_t> usual_memory_sizes();
/// And every one that is at all likely: whole mebibytes up to 16 GiB, 64 MiB up to 64 GiB,
/// gigabytes up to 4 TiB.
std::vector<std::uint64_t> all_memory_sizes();

enum class MemoryIs { known, unknown };
/// Told a machine; true ends the search.
using Visitor = std::function<bool(const AcpiShape&)>;

/// Shows plausible machines, fewest changes first: each single input that changes, pairs, then
/// combinations of three usual values; for each number of changes those from the first start, then
/// those from the next. With unknown memory also sizes below 2816 MiB that change the tables; sizes
/// that do not are left to the visitor. False: the visitor took none.
bool search_shapes(const std::vector<AcpiShape>& starts, MemoryIs memory, const Visitor& visitor);

} // namespace dstack::measure
