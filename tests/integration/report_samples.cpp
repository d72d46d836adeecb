// Writes verdicts of every kind in every format into a directory, for tests/integration/reports.
#include "report/ci.hpp"
#include "report/json.hpp"

#include <cstdio>
#include <fstream>

using namespace dstack;
using verify::Answer;
using verify::Outcome;
using verify::Verdict;

namespace {

std::string every_byte()
{
  std::string out;
  for (int c = 1; c < 256; ++c)
    out += static_cast<char>(c);
  return out + "]]><!-- \u2028 \uffff \xef\xbf\xbe";
}

Verdict common(std::string input, Answer answer, std::string reason)
{
  Verdict v;
  v.input = std::move(input);
  v.answer = answer;
  v.reason = std::move(reason);
  v.evidence = "TDX quote v4";
  v.tee = "tdx";
  v.policy = "strict";
  v.at = Time{1'700'000'000'000};
  return v;
}

Verdict trusted()
{
  Verdict v = common("quotes/good one.bin", Answer::trusted, "");
  v.tcb_status = "UpToDate";
  v.valid_from = 1'690'000'000;
  v.valid_until = 1'710'000'000;
  v.chain = {{"Intel SGX Root CA", "pinned"}, {"Intel SGX PCK Certificate", "FMSPC 00"}};
  v.facts = {{"MRTD", std::string(96, 'a')}, {"TD attributes", "00"}};
  v.checks = {{"quote.signature", "the quote is signed", Outcome::passed, "", "", "the quote"},
              {"log.rtmr0", "RTMR0 is explained", Outcome::noted, "a", "b", "event log"}};
  return v;
}

Verdict simulated(Answer answer)
{
  Verdict v = common("a:b.bin", answer, answer == Answer::trusted ? "" : "simulated root");
  v.simulated = true;
  v.checks = {{"policy.simulated", "evidence of a simulated TEE is accepted",
               answer == Answer::trusted ? Outcome::passed : Outcome::failed, "a vendor's root",
               "simulated root", "policy strict"},
              {"quote.signature", "the quote is signed", Outcome::not_run, "", "", ""}};
  return v;
}

Verdict hostile()
{
  const std::string bytes = every_byte();
  Verdict v = common(bytes, Answer::refused, bytes);
  v.tcb_status = v.policy = v.evidence = bytes;
  v.advisory_ids = {bytes, "INTEL-SA-00001"};
  v.chain = {{bytes, bytes}};
  v.facts = {{bytes, bytes}};
  v.checks = {{"app.compose-hash", bytes, Outcome::failed, bytes, bytes, bytes},
              {"app.compose-hash", bytes, Outcome::not_run, bytes, bytes, bytes}};
  return v;
}

bool write(const std::string& path, const std::string& text)
{
  std::ofstream out{path, std::ios::binary};
  out << text;
  return static_cast<bool>(out.flush());
}

} // namespace

int main(int argc, char** argv)
{
  if (argc != 2) return 2;
  const std::vector<std::pair<std::string, std::vector<Verdict>>> samples{
      {"trusted", {trusted()}},
      {"simulated", {simulated(Answer::trusted)}},
      {"simulated_refused", {simulated(Answer::refused)}},
      {"malformed", {common("-", Answer::malformed, "quote: need 48 bytes, have 3")}},
      {"unchecked", {common("https://host:8090/x?y", Answer::unchecked, "no network")}},
      {"hostile", {hostile()}},
      {"none", {}},
      {"many", {trusted(), simulated(Answer::trusted), hostile(), trusted()}},
  };
  for (const auto& [name, verdicts] : samples) {
    const std::string base = std::string{argv[1]} + "/" + name;
    const codec::Json json =
        verdicts.size() == 1 ? report::to_json(verdicts[0]) : report::to_json(verdicts);
    if (!write(base + ".junit.xml", report::to_junit(verdicts)) ||
        !write(base + ".sarif", report::to_sarif(verdicts, "0.1.0")) ||
        !write(base + ".md", report::to_markdown(verdicts)) ||
        !write(base + ".json", codec::write_json(json, {.indent = 2}) + "\n"))
      return 1;
  }
  std::printf("%zu samples\n", samples.size());
  return 0;
}
