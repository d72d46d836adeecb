#include "report/json.hpp"

#include "codec/json_list.hpp"
#include "report/plain.hpp"

namespace dstack::report {

namespace {

using codec::Json;
using verify::Answer;

std::string word_of(Answer answer)
{
  return answer == Answer::unchecked ? "unchecked" : std::string{name_of(answer)};
}

std::string word_of(verify::Outcome outcome)
{
  return outcome == verify::Outcome::not_run ? "not_run" : std::string{name_of(outcome)};
}

/// "TD attributes" -> "td_attributes"
std::string snake_case(std::string_view name)
{
  std::string out = lower(valid_utf8(name));
  for (char& c : out)
    if (c == ' ' || c == '-') c = '_';
  return out;
}

Json counts_json(const dcap::Counts& counts)
{
  return Json::object()
      .set("signatures", counts.signatures)
      .set("remembered_signatures", counts.remembered)
      .set("certificates", counts.certificates)
      .set("validity_periods", counts.windows)
      .set("comparisons", counts.comparisons);
}

Json date(std::int64_t seconds)
{
  return seconds == 0 ? Json{} : Json{format_utc({seconds * 1000})};
}

} // namespace

Summary summarise(const std::vector<verify::Verdict>& verdicts)
{
  Summary out;
  for (const verify::Verdict& verdict : verdicts) {
    out.trusted += verdict.answer == Answer::trusted ? 1U : 0U;
    out.refused += verdict.answer == Answer::refused ? 1U : 0U;
    out.malformed += verdict.answer == Answer::malformed ? 1U : 0U;
    out.unchecked += verdict.answer == Answer::unchecked ? 1U : 0U;
  }
  return out;
}

Json to_json(const verify::Check& check)
{
  Json out = Json::object()
                 .set("id", valid_utf8(check.id))
                 .set("title", valid_utf8(check.title))
                 .set("outcome", word_of(check.outcome));
  if (!check.expected.empty()) out.set("expected", valid_utf8(check.expected));
  if (!check.seen.empty()) out.set("seen", valid_utf8(check.seen));
  if (!check.source.empty()) out.set("source", valid_utf8(check.source));
  return out;
}

Json to_json(const verify::Verdict& v)
{
  Json chain = Json::array();
  for (const verify::Link& link : v.chain)
    chain.push(
        Json::object().set("what", valid_utf8(link.what)).set("detail", valid_utf8(link.detail)));
  Json facts = Json::object();
  for (const verify::Fact& fact : v.facts)
    facts.set(snake_case(fact.name), valid_utf8(fact.value));
  Json checks = Json::array();
  for (const verify::Check& check : v.checks)
    checks.push(to_json(check));
  return Json::object()
      .set("schema", verdict_schema)
      .set("input", valid_utf8(v.input))
      .set("answer", word_of(v.answer))
      .set("reason", valid_utf8(v.reason))
      .set("simulated", v.simulated)
      .set("evidence", valid_utf8(v.evidence))
      .set("tee", v.tee)
      .set("tcb_status", valid_utf8(v.tcb_status))
      .set("advisory_ids", codec::list_of(v.advisory_ids, valid_utf8))
      .set("policy", valid_utf8(v.policy))
      .set("at", format_utc(v.at))
      .set("valid_from", date(v.valid_from))
      .set("valid_until", date(v.valid_until))
      .set("chain", std::move(chain))
      .set("facts", std::move(facts))
      .set("checks", std::move(checks))
      .set("counts", counts_json(v.counts));
}

Json to_json(const std::vector<verify::Verdict>& verdicts)
{
  const Summary summary = summarise(verdicts);
  Json all = Json::array();
  for (const verify::Verdict& verdict : verdicts)
    all.push(to_json(verdict));
  Json counts = Json::object()
                    .set("inputs", std::uint64_t{verdicts.size()})
                    .set("trusted", std::uint64_t{summary.trusted})
                    .set("refused", std::uint64_t{summary.refused})
                    .set("malformed", std::uint64_t{summary.malformed})
                    .set("unchecked", std::uint64_t{summary.unchecked});
  return Json::object()
      .set("schema", verdicts_schema)
      .set("summary", std::move(counts))
      .set("verdicts", std::move(all));
}

} // namespace dstack::report
