#include "cli/cmd/add.hpp"
#include "cli/gateway/ct_sources.hpp"
#include "cli/verify/session.hpp"

namespace dstack::cli {

namespace {

using codec::Json;
using transparency::SeenCertificate;
using KeyHash = std::array<std::uint8_t, 32>;

struct Options {
  std::string domain;
  std::string acme_info;
  std::vector<std::string> certificates;
  std::string logs = "https://crt.sh";
  std::string since;
  QuestionOptions question;
  TrustOptions trust;
};

/// What became of the keys that the gateway says are its own.
struct Keys {
  struct Doubt {
    KeyHash key{};
    std::string reason{};
    bool unchecked = false; ///< it may be good: something needed could not be had
  };
  std::set<KeyHash> attested{};
  std::vector<Doubt> doubts{};
  bool simulated = false;

  bool could_be(const KeyHash& key) const
  {
    for (const Doubt& one : doubts)
      if (one.unchecked && one.key == key) return true;
    return false;
  }
};

Result<Keys> judge_keys(const transparency::AcmeInfo& info, const Options& o, Context& ctx)
{
  Session session = TRY(open_session(o.trust, TRY(question_of(o.question, ctx)), ctx));
  session.image = o.question.image;
  session.policy_given = !o.question.policy.empty();
  Worker worker{session, ctx};
  Keys out;
  for (const transparency::QuotedKey& key : info.keys) {
    const KeyHash hash = transparency::key_hash(key.spki);
    session.question.expectations.report_data =
        verify::Expectation{"report-data", "the quote vouches for the certificate's key",
                            hex(transparency::key_report_data(key.spki)), "acme-info", ""};
    const std::string& evidence = key.quote.empty() ? key.attestation : key.quote;
    const Judged judged = worker.judge_bytes(hex(hash), as_bytes(evidence), Keep::verdict);
    const verify::Verdict& verdict = judged.verdict();
    out.simulated = out.simulated || verdict.simulated;
    if (verdict.answer == verify::Answer::trusted)
      out.attested.insert(hash);
    else
      out.doubts.push_back({hash, evidence.empty() ? "no quote" : verdict.reason,
                            verdict.answer == verify::Answer::unchecked && !evidence.empty()});
  }
  return out;
}

Json to_json(const SeenCertificate& one)
{
  Json names = Json::array();
  for (const std::string& name : one.names)
    names.push(printable(name));
  return Json{}
      .set("source", one.source)
      .set("names", std::move(names))
      .set("subject", one.subject)
      .set("not_before", format_utc(Time{one.not_before * 1000}))
      .set("not_after", format_utc(Time{one.not_after * 1000}))
      .set("key_sha256", hex(transparency::key_hash(one.spki)));
}

Json document(const Options& o, const Keys& keys, const transparency::Comparison& got)
{
  Json unknown = Json::array();
  for (const SeenCertificate& one : got.unknown)
    unknown.push(to_json(one));
  Json doubts = Json::array();
  for (const Keys::Doubt& one : keys.doubts)
    doubts.push(Json{}
                    .set("key_sha256", hex(one.key))
                    .set("answer", one.unchecked ? "unchecked" : "refused")
                    .set("reason", one.reason));
  return Json{}
      .set("schema", "dstack.gateway.ct-check/1")
      .set("domain", o.domain)
      .set("simulated", keys.simulated)
      .set("attested_keys", std::uint64_t{keys.attested.size()})
      .set("other_keys", std::move(doubts))
      .set("known", std::uint64_t{got.known.size()})
      .set("unknown", std::move(unknown));
}

void print(const Keys& keys, const transparency::Comparison& got, Console& ui)
{
  for (const Keys::Doubt& one : keys.doubts)
    ui.warn(fmt::format("{}: {}: {}",
                        one.unchecked ? "a key of the gateway could not be checked"
                                      : "the gateway lists a key that no quote vouches for",
                        hex(one.key), one.reason));
  if (keys.simulated) ui.warn("keys are attested by a simulated TEE: they are nobody's secret");
  for (const SeenCertificate& one : got.unknown)
    ui.line(fmt::format(
        "{}: {}, valid {} to {}, key {}: {}",
        keys.could_be(transparency::key_hash(one.spki)) ? ui.paint_out(Tone::warn, "UNCHECKED")
                                                        : ui.paint_out(Tone::bad, "UNKNOWN"),
        printable(join(one.names, ", ")), format_utc(Time{one.not_before * 1000}),
        format_utc(Time{one.not_after * 1000}), hex(transparency::key_hash(one.spki)), one.source));
  const std::size_t seen = got.known.size() + got.unknown.size();
  ui.line(fmt::format("{}: {} of {} certificates have one of {} attested keys",
                      got.unknown.empty() ? ui.paint_out(Tone::good, "ALL KNOWN")
                                          : ui.paint_out(Tone::bad, "NOT ALL KNOWN"),
                      got.known.size(), seen, keys.attested.size()));
  if (seen == 0) ui.warn("no certificate for the domain was found at all");
}

/// As points in time are written, so that texts compare as dates do.
Status check_date(std::string_view text)
{
  constexpr std::string_view form = "0000-00-00";
  bool good = text.size() == form.size();
  for (std::size_t i = 0; good && i < form.size(); ++i)
    good = form[i] == '-' ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
  if (good || text.empty()) return ok();
  return fail(Errc::usage, "--since: '{}' is no date: wanted YYYY-MM-DD", printable(text));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  TRY(check_date(o.since));
  const std::string place = o.acme_info.empty()
                                ? fmt::format("https://gateway.{}/.dstack/acme-info", o.domain)
                                : o.acme_info;
  const CtQuestion question{lower(o.domain), o.since};
  const auto info = TRY(read_acme_info(place));
  auto seen = TRY(o.certificates.empty() ? seen_in_logs(o.logs, question, ctx)
                                         : seen_in_files(o.certificates, question));
  const Keys keys = TRY(judge_keys(info, o, ctx));
  const auto got = transparency::compare(std::move(seen), keys.attested);
  if (ctx.ui().json())
    ctx.ui().document(document(o, keys, got));
  else
    print(keys, got, ctx.ui());
  if (got.unknown.empty()) return Exit::ok;
  for (const SeenCertificate& one : got.unknown)
    if (!keys.could_be(transparency::key_hash(one.spki))) return Exit::refused;
  return Exit::failed;
}

} // namespace

void add_gateway_ct_check(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf =
      tree.leaf("gateway ct-check", "Look for certificates whose key no gateway has attested");
  leaf.argument("DOMAIN", o->domain, "The gateway's domain").required();
  leaf.option("--acme-info", o->acme_info, "PLACE",
              "What the gateway publishes, file or address; default is its own address");
  leaf.option("--certificates", o->certificates, "PATH",
              "Certificates, PEM or DER, file or directory, instead of asking the logs")
      .repeats();
  leaf.option("--logs", o->logs, "URL", "Search service for transparency logs, as crt.sh")
      .fallback("https://crt.sh");
  leaf.option("--since", o->since, "DATE", "Only what was logged or is valid from then on");
  add_identity_options(leaf, o->question);
  add_trust_options(leaf, o->trust);
  leaf.json("dstack.gateway.ct-check/1")
      .describe("Public authorities log every certificate they issue. This asks the logs for those "
                "of the domain and below it, and compares their keys with the keys that the "
                "gateway publishes with quotes: a key counts when its quote vouches for it and is "
                "trusted as 'dstack verify' would trust it.")
      .describe("A certificate with any other key was issued to somebody else, who can then read "
                "what the gateway's users send. Say with --app-id, --compose or --image which "
                "gateway it must be: without, any attested one will do.")
      .describe("Exit status: 0 all keys are known, 3 a certificate has another key, 1 could not "
                "be checked, 4 malformed input.")
      .example("dstack gateway ct-check apps.example.com --image dstack-0.6.0", "Ask the logs")
      .example(
          "dstack gateway ct-check apps.example.com --certificates seen/ --acme-info info.json",
          "Without any network but what collateral needs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
