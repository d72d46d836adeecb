#include "codec/json.hpp"
#include "report/ci.hpp"
#include "report/plain.hpp"
#include "report/text.hpp"

#include <algorithm>
#include <set>

namespace dstack::report {

namespace {

using codec::Json;
using verify::Answer;
using verify::Check;
using verify::Outcome;
using verify::Verdict;

constexpr std::string_view schema_uri =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

Json message(std::string_view text)
{
  return Json::object().set("text", one_line(text));
}

/// A file's path or a URL as a URI reference: every other byte is percent-encoded, and a colon in a
/// relative path does not make a scheme of what precedes it (RFC 3986 section 4.2).
std::string uri_of(std::string_view input)
{
  if (input.empty() || input == "-") return "stdin";
  constexpr std::string_view plain = "-._~/:";
  const bool url = input.starts_with("https://") || input.starts_with("http://");
  const bool relative = !url && !input.starts_with('/');
  std::string out = relative && input.find(':') < input.find('/') ? "./" : "";
  for (const char c : input) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word || plain.find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Json artifact_location(const Verdict& verdict)
{
  return Json::object().set("uri", uri_of(verdict.input));
}

Json result(const Verdict& verdict, std::string_view id, std::string_view level, std::string text)
{
  if (verdict.simulated) text += fmt::format(" [{}]", simulated_label);
  Json physical = Json::object().set("artifactLocation", artifact_location(verdict));
  Json location = Json::object().set("physicalLocation", std::move(physical));
  return Json::object()
      .set("ruleId", one_line(id))
      .set("level", level)
      .set("message", message(text))
      .set("locations", codec::JsonArray{std::move(location)});
}

/// "open": asked, not answered; SARIF allows it no level (section 3.27.9 and 3.27.10).
Json open_result(const Verdict& verdict, const Check& check)
{
  return result(verdict, check.id, "none", "Not checked: " + check.title).set("kind", "open");
}

void add_rule(Json& rules,
              std::vector<std::string>& known,
              const std::string& id,
              std::string_view title)
{
  if (std::find(known.begin(), known.end(), id) != known.end()) return;
  known.push_back(id);
  rules.push(Json::object().set("id", one_line(id)).set("shortDescription", message(title)));
}

std::string text_of(const Check& check)
{
  std::string out = check.title;
  if (!check.expected.empty()) out += fmt::format("; expected {}", check.expected);
  if (!check.seen.empty()) out += fmt::format("; seen {}", check.seen);
  if (!check.source.empty()) out += fmt::format(" (source: {})", check.source);
  return out;
}

void add_results(const Verdict& verdict,
                 Json& rules,
                 std::vector<std::string>& known,
                 Json& results)
{
  bool failed = false;
  for (const Check& check : verdict.checks) {
    add_rule(rules, known, check.id, check.title);
    if (check.outcome == Outcome::failed) {
      failed = true;
      results.push(result(verdict, check.id, "error", "Not so: " + text_of(check)));
    }
    if (check.outcome == Outcome::noted)
      results.push(result(verdict, check.id, "note", text_of(check)));
    if (check.outcome == Outcome::not_run) results.push(open_result(verdict, check));
  }
  const bool unexplained = verdict.answer != Answer::trusted && !failed;
  if (unexplained || (verdict.simulated && !failed))
    add_rule(rules, known, "verdict", "the evidence could be judged, and hardware vouches for it");
  if (unexplained)
    results.push(result(verdict, "verdict",
                        verdict.answer == Answer::unchecked ? "warning" : "error", verdict.reason));
  else if (verdict.simulated && !failed)
    results.push(result(verdict, "verdict", "warning", "Trusted only as a simulation"));
}

} // namespace

std::string to_sarif(const std::vector<Verdict>& verdicts, std::string_view tool_version)
{
  Json rules = Json::array();
  Json results = Json::array();
  Json artifacts = Json::array();
  std::vector<std::string> known;
  std::set<std::string> named; // SARIF wants each artifact once
  bool simulated = false;
  for (const Verdict& verdict : verdicts) {
    add_results(verdict, rules, known, results);
    if (named.insert(uri_of(verdict.input)).second)
      artifacts.push(Json::object().set("location", artifact_location(verdict)));
    simulated = simulated || verdict.simulated;
  }
  Json driver = Json::object()
                    .set("name", "dstack verify")
                    .set("version", tool_version)
                    .set("rules", std::move(rules));
  Json run = Json::object()
                 .set("tool", Json::object().set("driver", std::move(driver)))
                 .set("artifacts", std::move(artifacts))
                 .set("results", std::move(results));
  if (simulated) run.set("properties", Json::object().set("simulated", simulated_label));
  const Json document = Json::object()
                            .set("$schema", schema_uri)
                            .set("version", "2.1.0")
                            .set("runs", codec::JsonArray{std::move(run)});
  return codec::write_json(document, {.indent = 2}) + "\n";
}

} // namespace dstack::report
