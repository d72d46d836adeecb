#pragma once
/// Verdicts as JSON; the schema is verdict.schema.json beside this file.

#include "codec/json.hpp"
#include "verify/verdict.hpp"

namespace dstack::report {

inline constexpr std::string_view verdict_schema = "dstack.verdict/1";
inline constexpr std::string_view verdicts_schema = "dstack.verdicts/1";

struct Summary {
  std::size_t trusted = 0;
  std::size_t refused = 0;
  std::size_t malformed = 0;
  std::size_t unchecked = 0;
};
Summary summarise(const std::vector<verify::Verdict>& verdicts);

codec::Json to_json(const verify::Check& check);
codec::Json to_json(const verify::Verdict& verdict);
/// All of them with a summary.
codec::Json to_json(const std::vector<verify::Verdict>& verdicts);

} // namespace dstack::report
