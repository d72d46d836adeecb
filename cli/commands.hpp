#pragma once
/// Every command of dstack.

#include "cli/tree.hpp"

namespace dstack::cli {

void add_commands(Tree& tree);

} // namespace dstack::cli
