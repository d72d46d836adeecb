#include "report/ci.hpp"
#include "report/json.hpp"
#include "report/text.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::report;
using verify::Answer;
using verify::Outcome;
using verify::Verdict;

namespace {

Verdict sample()
{
  Verdict v;
  v.input = "a|b<c>&\"d.bin";
  v.answer = Answer::refused;
  v.reason = "not so: \x1b[31mthe quote is signed";
  v.simulated = true;
  v.evidence = "TDX quote v4";
  v.tee = "tdx";
  v.tcb_status = "UpToDate";
  v.policy = "strict";
  v.at = Time{1'700'000'000'000};
  v.chain = {{"Root", ""}, {"Leaf", "FMSPC 00"}};
  v.facts = {{"TD attributes", "00"}};
  v.checks = {{"quote.signature", "the quote is signed", Outcome::failed, "x", "y|z", "key"},
              {"quote.format", "the quote is well-formed", Outcome::passed, "", "", "format"},
              {"tcb.level", "a level", Outcome::not_run, "", "", ""},
              {"log.rtmr0", "RTMR0", Outcome::noted, "a", "b", "log"}};
  return v;
}

bool has(const std::string& text, std::string_view part)
{
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("every format says that evidence is simulated, and none passes controls on")
{
  const std::vector<Verdict> all{sample()};
  for (const std::string& text : {to_text(all[0], {}), to_line(all[0], {}), to_junit(all),
                                  to_sarif(all, "1"), to_markdown(all)}) {
    CHECK(has(text, "SIMULATED"));
    CHECK_FALSE(has(text, "\x1b"));
  }
  CHECK(has(codec::write_json(to_json(all[0])), "\"simulated\":true"));
}

TEST_CASE("people read the answer first, failures with what was wanted and seen")
{
  const std::string text = to_text(sample(), {});
  CHECK(text.starts_with("REFUSED: not so"));
  CHECK(has(text, "NO   the quote is signed"));
  CHECK(has(text, "expected  x"));
  CHECK(has(text, "└ Leaf (FMSPC 00)"));
  CHECK(has(text, "checks: 1 of 4 passed"));
  CHECK_FALSE(has(text, "ok   the quote is well-formed"));
  TextStyle verbose;
  verbose.verbose = true;
  CHECK(has(to_text(sample(), verbose), "ok   the quote is well-formed"));
  Verdict good;
  good.answer = Answer::trusted;
  CHECK(to_text(good, {}).starts_with("TRUSTED\n"));
}

TEST_CASE("JSON has stable words and snake-case facts")
{
  const codec::Json one = to_json(sample());
  CHECK(*one.need_string("answer") == "refused");
  CHECK((**one.need_object("facts")).find("td_attributes") != nullptr);
  CHECK(one.find("valid_until")->is_null());
  CHECK((**one.need_array("checks")).items()[2].find("outcome")->text() == "not_run");
  const codec::Json many = to_json(std::vector<Verdict>{sample(), sample()});
  CHECK(*(**many.need_object("summary")).need_u64("refused") == 2);
}

TEST_CASE("markup in inputs stays text")
{
  const std::vector<Verdict> all{sample()};
  CHECK(has(to_junit(all), "a|b&lt;c&gt;&amp;&quot;d.bin"));
  CHECK(has(to_markdown(all), "a&#124;b&#60;c&#62;&#38;\"d.bin"));
  CHECK(has(to_sarif(all, "1"), "a%7Cb%3Cc%3E%26%22d.bin"));
}

TEST_CASE("JUnit counts what it holds, and a verdict without a failed check is an error")
{
  const std::string text = to_junit({sample()});
  CHECK(has(text, "tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"1\""));
  Verdict unchecked;
  unchecked.input = "-";
  unchecked.reason = "no network";
  CHECK(has(to_junit({unchecked}), "<error message=\"no network\" type=\"could not check\"/>"));
  CHECK(has(to_sarif({unchecked}, "1"), "\"level\": \"warning\""));
}

TEST_CASE("no bytes of the evidence break a document or leave its line")
{
  std::string bytes;
  for (int c = 1; c < 256; ++c)
    bytes += static_cast<char>(c);
  bytes +=
      "\n## heading\n| cell |\r\n]]><!-- @team https://a www.b \u202e \u2028 \uffff \xef\xbf\xbe";
  Verdict v = sample();
  v.input = v.reason = v.evidence = v.tcb_status = v.policy = bytes;
  v.chain = {{bytes, bytes}};
  v.facts = {{bytes, bytes}};
  v.checks = {{bytes, bytes, Outcome::failed, bytes, bytes, bytes},
              {"b", bytes, Outcome::not_run, bytes, bytes, bytes}};
  Verdict same = sample();
  same.input = same.reason = same.evidence = same.tcb_status = same.policy = "x";
  same.chain = {{"x", "x"}};
  same.facts = {{"x", "x"}};
  same.checks = {{"x", "x", Outcome::failed, "x", "x", "x"},
                 {"b", "x", Outcome::not_run, "x", "x", "x"}};
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  const auto check = [&](const std::string& text, const std::string& plain) {
    CHECK(is_utf8(text));
    CHECK(lines(text) == lines(plain));
    for (const std::string_view bad :
         {"\r", "\x01", "\x7f", "\u0085", "\u202e", "\u2028", "\uffff"})
      CHECK_FALSE(has(text, bad));
  };
  TextStyle verbose;
  verbose.verbose = true;
  check(to_text(v, verbose), to_text(same, verbose));
  check(to_line(v, {}), to_line(same, {}));
  check(to_junit({v}), to_junit({same}));
  check(to_sarif({v}, "1"), to_sarif({same}, "1"));
  check(to_markdown({v, v}), to_markdown({same, same}));
  CHECK_FALSE(has(to_markdown({v}), "@"));
  CHECK_FALSE(has(to_markdown({v}), "https://"));
  CHECK_FALSE(has(to_junit({v}), "<!--"));
  CHECK(codec::parse_json(to_sarif({v}, "1")));
  CHECK(codec::parse_json(codec::write_json(to_json(v))));
}

TEST_CASE("SARIF names files as URI references and leaves unanswered checks open")
{
  const auto sarif_of = [](std::string_view input) {
    Verdict v = sample();
    v.input = input;
    return to_sarif({v}, "1");
  };
  CHECK(has(sarif_of("a:b"), "\"uri\": \"./a:b\""));
  CHECK(has(sarif_of("-"), "\"uri\": \"stdin\""));
  CHECK(has(sarif_of("/d/a:b c"), "\"uri\": \"/d/a:b%20c\""));
  CHECK(has(sarif_of("https://h:1/p"), "\"uri\": \"https://h:1/p\""));
  CHECK(has(sarif_of("x"), "\"kind\": \"open\""));
}
