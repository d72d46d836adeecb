#include "report/ci.hpp"
#include "report/text.hpp"

namespace dstack::report {

namespace {

using verify::Check;
using verify::Outcome;
using verify::Verdict;

/// Text inside a table cell: nothing of it is markup.
std::string cell(std::string_view text)
{
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
    case '|':
    case '`':
    case '*':
    case '_':
    case '[':
    case ']':
    case '\\':
      out += '\\';
      out += c;
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '&':
      out += "&amp;";
      break;
    case '\n':
    case '\t':
      out += ' ';
      break;
    default:
      out += c;
    }
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

void add_row(std::string& out, std::string_view name, std::string_view value)
{
  if (!value.empty()) out += fmt::format("| {} | {} |\n", cell(name), cell(value));
}

std::string section(const Verdict& v)
{
  std::string out = fmt::format("## {}: {}\n\n", cell(v.input), name_of(v.answer));
  if (!v.reason.empty()) out += fmt::format("{}\n\n", cell(v.reason));
  if (v.simulated) out += fmt::format("> **{}**\n\n", simulated_label);
  out += "| | |\n|---|---|\n";
  add_row(out, "evidence", v.evidence);
  add_row(out, "policy", v.policy);
  add_row(out, "judged at", format_utc(v.at));
  add_row(out, "TCB status", v.tcb_status);
  add_row(out, "advisories", join(v.advisory_ids, ", "));
  for (const verify::Fact& fact : v.facts)
    add_row(out, fact.name, fact.value);
  if (v.checks.empty()) return out + "\n";
  out += "\n| check | outcome | expected | seen | source |\n|---|---|---|---|---|\n";
  for (const Check& check : v.checks)
    out += fmt::format("| {} | {} | {} | {} | {} |\n", cell(check.title), mark(check.outcome),
                       cell(check.expected), cell(check.seen), cell(check.source));
  return out + "\n";
}

} // namespace

std::string to_markdown(const std::vector<Verdict>& verdicts)
{
  std::string out = "# dstack verify\n\n";
  for (const Verdict& verdict : verdicts)
    out += section(verdict);
  return out;
}

} // namespace dstack::report
