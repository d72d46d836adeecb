#pragma once
/// The inputs of a prediction by the names people give them: options of `dstack measure`, axes of a
/// matrix, and what `dstack diagnose` says is different.

#include "measure/vm_config.hpp"

#include <span>

namespace dstack::measure {

struct Input {
  std::string_view name{};  ///< "pci-hole64"
  std::string_view value{}; ///< "SIZE"
  std::string_view help{};
};
std::span<const Input> inputs();

/// Errc::usage for names and values that are none.
Status set_input(VmConfig& config, std::string_view name, std::string_view value);

/// One axis of a matrix: "cpus=1,2,4".
struct Axis {
  std::string name{};
  std::vector<std::string> values{};
};
inline constexpr std::size_t max_matrix = 100'000; ///< machines
Result<Axis> parse_axis(std::string_view text);
/// Every combination, the last axis changing fastest: a value for every axis, in order.
Result<std::vector<std::vector<std::string>>> combinations(const std::vector<Axis>& axes);

/// In the largest unit that divides it: "2049M", "64G"; 0 is "0".
std::string exact_size(std::uint64_t bytes);

/// GPUs of each NUMA node, "2+1"; empty without nodes.
std::string node_gpus_text(const AcpiShape& machine);

/// What would make `dstack measure` predict this shape: "--cpus", "4", …; what QEMU does anyway is
/// left out.
std::vector<std::string> option_words(const TdxShape& shape);

} // namespace dstack::measure
