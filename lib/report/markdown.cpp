#include "report/ci.hpp"
#include "report/json.hpp"
#include "report/plain.hpp"
#include "report/text.hpp"

namespace dstack::report {

namespace {

using verify::Check;
using verify::Outcome;
using verify::Verdict;

/// What Markdown (CommonMark with GitHub's tables, links and mentions) gives a meaning to.
constexpr std::string_view markup = "&<>|`\\@*_[]~#";

/// Text of which nothing is markup: entities are read after tables are split and start nothing. A
/// link is not made of an address: "://" and "www." are broken.
std::string cell(std::string_view text)
{
  std::string out;
  const std::string line = one_line(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool scheme = line.compare(i, 3, "://") == 0;
    const bool host = line[i] == '.' && i >= 3 && lower(line.substr(i - 3, 3)) == "www";
    if (scheme || host || markup.find(line[i]) != std::string_view::npos)
      out += fmt::format("&#{};", static_cast<unsigned>(line[i]));
    else
      out += line[i];
  }
  return out;
}

std::string_view mark(Outcome outcome)
{
  switch (outcome) {
  case Outcome::passed:
    return "passed";
  case Outcome::failed:
    return "**failed**";
  case Outcome::noted:
    return "noted";
  case Outcome::not_run:
    return "not run";
  }
  return "";
}

void add_table_row(std::string& out, std::string_view name, std::string_view value)
{
  if (!value.empty()) out += fmt::format("| {} | {} |\n", cell(name), cell(value));
}

std::string section(const Verdict& v)
{
  std::string out = fmt::format("## {}: {}\n\n", cell(v.input), name_of(v.answer));
  if (!v.reason.empty()) out += fmt::format("Reason: {}\n\n", cell(v.reason));
  if (v.simulated) out += fmt::format("> **{}**\n\n", simulated_label);
  out += "| | |\n|---|---|\n";
  add_table_row(out, "evidence", v.evidence);
  add_table_row(out, "policy", v.policy);
  add_table_row(out, "judged at", format_utc(v.at));
  add_table_row(out, "TCB status", v.tcb_status);
  add_table_row(out, "advisories", join(v.advisory_ids, ", "));
  for (const verify::Fact& fact : v.facts)
    add_table_row(out, fact.name, fact.value);
  if (v.checks.empty()) return out + "\n";
  out += "\n| check | outcome | expected | seen | source |\n|---|---|---|---|---|\n";
  for (const Check& check : v.checks)
    out += fmt::format("| {} | {} | {} | {} | {} |\n", cell(check.title), mark(check.outcome),
                       cell(check.expected), cell(check.seen), cell(check.source));
  return out + "\n";
}

std::string overview(const std::vector<Verdict>& verdicts)
{
  const Summary sum = summarise(verdicts);
  std::string out =
      fmt::format("{} inputs: {} trusted, {} refused, {} malformed, {} could not be "
                  "checked\n\n| input | answer | reason |\n|---|---|---|\n",
                  verdicts.size(), sum.trusted, sum.refused, sum.malformed, sum.unchecked);
  for (const Verdict& v : verdicts)
    out += fmt::format("| {} | {}{} | {} |\n", cell(v.input), name_of(v.answer),
                       v.simulated ? " (SIMULATED)" : "", cell(v.reason));
  return out + "\n";
}

} // namespace

std::string to_markdown(const std::vector<Verdict>& verdicts)
{
  std::string out = "# dstack verify\n\n";
  if (verdicts.size() > 1) out += overview(verdicts);
  for (const Verdict& verdict : verdicts)
    out += section(verdict);
  return out;
}

} // namespace dstack::report
