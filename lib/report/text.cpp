#include "report/text.hpp"

#include "report/plain.hpp"

namespace dstack::report {

namespace {

using verify::Answer;
using verify::Outcome;

constexpr std::size_t name_width = 22;

std::string paint(const TextStyle& style, Tone tone, std::string_view text)
{
  return style.paint ? style.paint(tone, text) : std::string{text};
}

std::string_view headline(Answer answer)
{
  switch (answer) {
  case Answer::trusted:
    return "TRUSTED";
  case Answer::unchecked:
    return "COULD NOT CHECK";
  case Answer::refused:
    return "REFUSED";
  case Answer::malformed:
    return "MALFORMED";
  }
  return "";
}

Tone tone_of(Answer answer)
{
  if (answer == Answer::trusted) return Tone::good;
  return answer == Answer::unchecked ? Tone::warn : Tone::bad;
}

std::string_view mark_of(Outcome outcome)
{
  switch (outcome) {
  case Outcome::passed:
    return "ok  ";
  case Outcome::failed:
    return "NO  ";
  case Outcome::noted:
    return "note";
  case Outcome::not_run:
    return "-   ";
  }
  return "";
}

void add_row(std::string& out, std::string_view name, std::string_view value)
{
  if (!value.empty())
    out += fmt::format("{:<{}} {}\n", one_line(name), name_width, one_line(value));
}

void add_chain(std::string& out, const verify::Verdict& verdict)
{
  if (verdict.chain.empty()) return;
  out += "\nchain of trust\n";
  std::string indent;
  for (const verify::Link& link : verdict.chain) {
    out += fmt::format("{}{}{}\n", indent, one_line(link.what),
                       link.detail.empty() ? "" : fmt::format(" ({})", one_line(link.detail)));
    indent = indent.empty() ? "└ " : "  " + indent;
  }
}

void add_checks(std::string& out, const verify::Verdict& verdict, const TextStyle& style)
{
  std::size_t passed = 0;
  std::string shown;
  for (const verify::Check& check : verdict.checks) {
    if (check.outcome == Outcome::passed) ++passed;
    const bool quiet = check.outcome == Outcome::passed || check.outcome == Outcome::not_run;
    if (!quiet || style.verbose) shown += to_text(check, style);
  }
  if (verdict.checks.empty()) return;
  out += fmt::format("\nchecks: {} of {} passed{}\n{}", passed, verdict.checks.size(),
                     style.verbose ? "" : "; --verbose lists them", shown);
  const dcap::Counts& c = verdict.counts;
  if (style.verbose && c.signatures + c.remembered > 0)
    out += fmt::format("done: {} signatures verified, {} remembered, {} certificates, {} validity "
                       "periods, {} comparisons\n",
                       c.signatures, c.remembered, c.certificates, c.windows, c.comparisons);
}

} // namespace

std::string to_text(const verify::Check& check, const TextStyle& style)
{
  const Tone tone = check.outcome == Outcome::failed   ? Tone::bad
                    : check.outcome == Outcome::passed ? Tone::good
                                                       : Tone::dim;
  std::string out =
      fmt::format("{} {}  {}\n", paint(style, tone, mark_of(check.outcome)), one_line(check.title),
                  paint(style, Tone::dim, fmt::format("[{}]", one_line(check.id))));
  if (check.outcome == Outcome::passed && !style.verbose) return out;
  const auto more = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out += fmt::format("       {:<9} {}\n", name, one_line(value));
  };
  more("expected", check.expected);
  more("seen", check.seen);
  more("source", check.source);
  return out;
}

std::string to_text(const verify::Verdict& v, const TextStyle& style)
{
  std::string out = paint(style, tone_of(v.answer), headline(v.answer));
  out += v.reason.empty() ? "\n" : fmt::format(": {}\n", one_line(v.reason));
  if (v.simulated) out += paint(style, Tone::warn, simulated_label) + "\n";
  out += "\n";
  add_row(out, "input", v.input);
  add_row(out, "evidence", v.evidence);
  add_row(out, "policy", v.policy);
  add_row(out, "judged at", format_utc(v.at));
  add_row(out, "TCB status", v.tcb_status);
  add_row(out, "advisories", join(v.advisory_ids, ", "));
  if (v.valid_until != 0)
    add_row(out, "verdict holds",
            fmt::format("{} to {}", format_utc({v.valid_from * 1000}),
                        format_utc({v.valid_until * 1000})));
  for (const verify::Fact& fact : v.facts)
    add_row(out, fact.name, fact.value);
  add_chain(out, v);
  add_checks(out, v, style);
  return out;
}

std::string to_line(const verify::Verdict& v, const TextStyle& style)
{
  std::string out =
      fmt::format("{}  {}", paint(style, tone_of(v.answer), headline(v.answer)), one_line(v.input));
  if (v.simulated) out += paint(style, Tone::warn, "  SIMULATED");
  if (!v.tcb_status.empty()) out += "  " + one_line(v.tcb_status);
  if (!v.reason.empty()) out += "  " + one_line(v.reason);
  return out;
}

} // namespace dstack::report
