#include "cli/cmd/add.hpp"
#include "cli/verify/inputs.hpp"
#include "verify/amd.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

struct Options {
  std::string input = "-";
};

std::string bytes_text(std::size_t count)
{
  return count == 0 ? "" : fmt::format("{} bytes after its end", count);
}

Result<std::vector<verify::Fact>> report_facts(const attest::Evidence& evidence)
{
  const auto report = TRY(snp::parse_report(evidence.attestation.quote));
  std::vector<verify::Fact> out{{"evidence", evidence.form},
                                {"version", fmt::format("{}", report.version)}};
  for (verify::Fact& fact : verify::facts_of(report))
    out.push_back(std::move(fact));
  return out;
}

Result<std::vector<verify::Fact>> facts_around(const attest::Evidence& evidence)
{
  if (evidence.attestation.platform == attest::Platform::amd_sev_snp) return report_facts(evidence);
  if (evidence.attestation.platform != attest::Platform::tdx)
    return fail(Errc::unsupported, "{} holds neither a quote nor a report", evidence.form);
  const dcap::Quote quote = TRY(dcap::parse_quote(evidence.attestation.quote));
  std::vector<verify::Fact> out;
  out.push_back({"evidence", evidence.form});
  out.push_back({"version", fmt::format("{}", quote.version)});
  out.push_back({"body", std::string{dcap::name_of(quote.body_type)}});
  out.push_back({"certification type", fmt::format("{}", quote.certification_type)});
  const std::string root = verify::claimed_root(quote);
  if (!root.empty()) out.push_back({"claimed root", root});
  out.push_back({"QE MRSIGNER", hex(quote.qe.mr_signer)});
  out.push_back({"QE ISVSVN", fmt::format("{}", quote.qe.isv_svn)});
  if (!bytes_text(quote.trailing).empty()) out.push_back({"trailing", bytes_text(quote.trailing)});
  if (evidence.has_event_log)
    out.push_back({"events", fmt::format("{}", evidence.attestation.event_log.size())});
  for (verify::Fact& fact : verify::facts_of(quote))
    out.push_back(std::move(fact));
  return out;
}

std::string key_of(std::string_view name)
{
  std::string out = lower(name);
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}

codec::Json events_json(const attest::Evidence& evidence)
{
  return attest::to_json(evidence.attestation.event_log);
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const auto inputs = TRY(expand_inputs({o.input}));
  if (inputs.size() != 1 || inputs[0].kind == Input::Kind::address)
    return fail(Errc::usage, "quote inspect takes one file, or '-'");
  const Bytes file = TRY(read_input(inputs[0]));
  const attest::Evidence evidence = TRY(attest::recognise(file).within("{}", inputs[0].name));
  const bool simulated = verify::claims_simulated(evidence);
  const auto facts = TRY(facts_around(evidence).within("{}", inputs[0].name));
  if (ctx.ui().json()) {
    codec::Json values = codec::Json::object();
    for (const verify::Fact& fact : facts)
      values.set(key_of(fact.name), fact.value);
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.quote.inspect/1")
                          .set("input", inputs[0].name)
                          .set("verified", false)
                          .set("simulated", simulated)
                          .set("quote", std::move(values))
                          .set("event_log", events_json(evidence)));
    return Exit::ok;
  }
  for (const verify::Fact& fact : facts)
    ctx.ui().line(fmt::format("{:<22} {}", fact.name, printable(fact.value)));
  if (simulated) ctx.ui().line("SIMULATED: no TEE hardware vouches for this");
  ctx.ui().note("decoded, not verified: 'dstack verify' judges");
  return Exit::ok;
}

} // namespace

void add_quote_inspect(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("quote inspect", "Decode a quote without judging it");
  leaf.file_argument("INPUT", o->input, "Quote, attestation, certificate or JSON; '-' is stdin")
      .fallback("-");
  leaf.json("dstack.quote.inspect/1")
      .describe("Shows every field of the quote inside the input. Nothing is verified: any of it "
                "may be invented.")
      .example("dstack quote inspect quote.bin", "The registers of a quote")
      .example("dstack quote inspect - --json", "From stdin, for programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
