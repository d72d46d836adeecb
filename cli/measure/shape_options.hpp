#pragma once
/// The VM that registers are predicted for, as options.

#include "cli/option.hpp"
#include "cli/tree.hpp"
#include "measure/inputs.hpp"

namespace dstack::cli {

struct ShapeOptions {
  /// Values as typed, by the place of their input in measure::inputs(); empty: not given.
  std::vector<std::string> values = std::vector<std::string>(measure::inputs().size());
  bool given(std::string_view input) const;
};

/// The options must outlive the leaf's action.
void add_shape_options(Leaf& leaf, ShapeOptions& options);

/// What deploy makes when it is told nothing.
measure::VmConfig default_vm();

/// What was typed, over what is known otherwise.
Status apply(const ShapeOptions& options, measure::VmConfig& config);

codec::Json inputs_json(const measure::TdxShape& shape);
/// For people, in lines: "QEMU 9.2.1, 2 CPUs, 4G of memory, …".
std::vector<std::string> inputs_text(const measure::TdxShape& shape);

} // namespace dstack::cli
