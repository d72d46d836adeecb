#include "report/ci.hpp"
#include "report/plain.hpp"
#include "report/text.hpp"

#include <algorithm>

namespace dstack::report {

namespace {

using verify::Answer;
using verify::Check;
using verify::Outcome;
using verify::Verdict;

/// Text for an attribute or element: markup escaped.
std::string xml(std::string_view text)
{
  std::string out;
  for (const char c : one_line(text)) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

std::string details(const Check& check)
{
  return fmt::format("expected: {} seen: {} source: {}", check.expected, check.seen, check.source);
}

std::string case_xml(const Verdict& verdict, const Check& check)
{
  std::string out = fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"0\"",
                                xml(check.title), xml(check.id));
  switch (check.outcome) {
  case Outcome::failed:
    return out + fmt::format(">\n      <failure message=\"{}\" type=\"{}\">{}</failure>\n"
                             "    </testcase>\n",
                             xml(check.title), xml(check.id), xml(details(check)));
  case Outcome::not_run:
    return out + fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                             xml(verdict.reason));
  default:
    return out + "/>\n";
  }
}

/// What no check stands for: malformed input, collateral that could not be had.
std::string error_xml(const Verdict& verdict)
{
  return fmt::format("    <testcase name=\"verdict\" classname=\"verdict\" time=\"0\">\n"
                     "      <error message=\"{}\" type=\"{}\"/>\n    </testcase>\n",
                     xml(verdict.reason), xml(name_of(verdict.answer)));
}

std::size_t count(const Verdict& verdict, Outcome outcome)
{
  return static_cast<std::size_t>(
      std::count_if(verdict.checks.begin(), verdict.checks.end(),
                    [&](const Check& check) { return check.outcome == outcome; }));
}

bool has_error(const Verdict& verdict)
{
  return verdict.answer != Answer::trusted && count(verdict, Outcome::failed) == 0;
}

std::string suite_xml(const Verdict& verdict, std::size_t id)
{
  const std::size_t errors = has_error(verdict) ? 1 : 0;
  const std::string time = format_utc(verdict.at);
  std::string out = fmt::format(
      "  <testsuite name=\"{}\" package=\"dstack.verify\" id=\"{}\" hostname=\"localhost\" "
      "timestamp=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\">\n"
      "    <properties>\n",
      xml(verdict.input), id, time.substr(0, time.size() - 1), verdict.checks.size() + errors,
      count(verdict, Outcome::failed), errors, count(verdict, Outcome::not_run));
  const auto property = [&](std::string_view name, std::string_view value) {
    out += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, xml(value));
  };
  property("answer", name_of(verdict.answer));
  property("simulated", verdict.simulated ? "true" : "false");
  property("policy", verdict.policy);
  property("tcb_status", verdict.tcb_status);
  out += "    </properties>\n";
  for (const Check& check : verdict.checks)
    out += case_xml(verdict, check);
  if (errors != 0) out += error_xml(verdict);
  out += fmt::format("    <system-out>{}</system-out>\n    <system-err/>\n  </testsuite>\n",
                     verdict.simulated ? xml(simulated_label) : "");
  return out;
}

} // namespace

std::string to_junit(const std::vector<Verdict>& verdicts)
{
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    out += suite_xml(verdicts[i], i);
  return out + "</testsuites>\n";
}

} // namespace dstack::report
