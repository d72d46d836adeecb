#pragma once
/// A diagnosis as a document and as text.

#include "cli/measure/suspects.hpp"
#include "cli/ui/console.hpp"

namespace dstack::cli {

codec::Json findings_json(const Stated& stated, const Diagnosed& answer, bool simulated);
void print_findings(Console& ui, const Stated& stated, const Diagnosed& answer, bool simulated);

} // namespace dstack::cli
