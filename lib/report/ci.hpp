#pragma once
/// Verdicts in the formats that CI systems read.

#include "verify/verdict.hpp"

namespace dstack::report {

/// JUnit XML (the XSD that Jenkins publishes): a suite an input, a case a check.
std::string to_junit(const std::vector<verify::Verdict>& verdicts);
/// SARIF 2.1.0 (OASIS): a rule a check id, a result for each check that did not pass.
std::string to_sarif(const std::vector<verify::Verdict>& verdicts, std::string_view tool_version);
/// A section an input, for job summaries and comments.
std::string to_markdown(const std::vector<verify::Verdict>& verdicts);

} // namespace dstack::report
