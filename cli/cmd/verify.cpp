#include "cli/cmd/add.hpp"
#include "cli/verify/serve.hpp"
#include "cli/verify/session.hpp"
#include "report/ci.hpp"
#include "report/json.hpp"
#include "sys/threads.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace dstack::cli {

namespace {

constexpr std::uint64_t max_jobs = 256;

struct Options {
  std::vector<std::string> inputs;
  QuestionOptions question;
  TrustOptions trust;
  std::string format = "text";
  std::string bundle;
  std::string serve;
  std::uint64_t jobs = 0;
};

Result<Session> session_of(const Options& o, const Context& ctx)
{
  Session out = TRY(open_session(o.trust, TRY(question_of(o.question, ctx)), ctx));
  out.image = o.question.image;
  out.policy_given = !o.question.policy.empty();
  out.at_given = !o.question.at.empty();
  return out;
}

/// All inputs on as many threads as there are processors; verdicts in the order of the inputs.
class Batch {
public:
  Batch(const std::vector<Input>& inputs, const Session& session, Context& ctx)
      : inputs_(inputs), session_(session), ctx_(ctx), verdicts_(inputs.size())
  {
  }

  Result<std::vector<verify::Verdict>> run(unsigned jobs)
  {
    const std::vector<std::function<Status()>> tasks(jobs, [this] { return work(); });
    TRY(sys::run_parallel(tasks, jobs));
    ctx_.ui().clear_live();
    return std::move(verdicts_);
  }

private:
  Status work()
  {
    Worker worker{session_, ctx_};
    for (std::size_t i = next_++; i < inputs_.size(); i = next_++) {
      verdicts_[i] = worker.judge(inputs_[i], Keep::verdict).proven.verdict;
      progress();
    }
    return ok();
  }

  void progress()
  {
    constexpr std::size_t step = 64;
    const std::size_t done = ++done_;
    if (done % step != 0 || !ctx_.ui().style().err_live) return;
    const std::lock_guard lock{mutex_};
    ctx_.ui().live(fmt::format("{} of {}", done, inputs_.size()));
  }

  const std::vector<Input>& inputs_;
  const Session& session_;
  Context& ctx_;
  std::vector<verify::Verdict> verdicts_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> done_{0};
  std::mutex mutex_;
};

void print(const std::vector<verify::Verdict>& all, const Options& o, Context& ctx)
{
  Console& ui = ctx.ui();
  const bool one = all.size() == 1;
  if (o.format == "junit") return ui.raw(report::to_junit(all));
  if (o.format == "sarif") return ui.raw(report::to_sarif(all, DSTACK_VERSION));
  if (o.format == "markdown") return ui.raw(report::to_markdown(all));
  if (ui.json()) return ui.document(one ? report::to_json(all[0]) : report::to_json(all));
  const report::TextStyle style = report_style(ctx);
  if (one) return ui.raw(report::to_text(all[0], style));
  for (const verify::Verdict& verdict : all)
    ui.line(report::to_line(verdict, style));
  const report::Summary s = report::summarise(all);
  ui.note(fmt::format("{} inputs: {} trusted, {} refused, {} malformed, {} could not be checked",
                      all.size(), s.trusted, s.refused, s.malformed, s.unchecked));
}

Status write_bundle(const std::string& file, const Judged& judged, Context& ctx)
{
  const verify::Verdict& verdict = judged.verdict();
  if (!judged.bundle)
    return fail(verdict.answer == verify::Answer::malformed ? Errc::malformed : Errc::io,
                "nothing to bundle: {}", verdict.reason);
  TRY(sys::write_file_atomic(file, as_bytes(verify::to_text(*judged.bundle)),
                             sys::Privacy::shared));
  ctx.ui().note(fmt::format("wrote {}", file));
  return ok();
}

unsigned jobs_of(const Options& o)
{
  return o.jobs == 0 ? sys::processor_count() : static_cast<unsigned>(o.jobs);
}

Result<Exit> serve(const Options& o, Context& ctx)
{
  if (!o.inputs.empty()) return fail(Errc::usage, "--serve takes no input; requests bring it");
  Session session = TRY(session_of(o, ctx));
  session.at_is_now = !session.at_given;
  return serve_verifier(o.serve, session, ctx, jobs_of(o));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  if (o.jobs > max_jobs) return fail(Errc::usage, "--jobs {} (at most {})", o.jobs, max_jobs);
  if (!o.serve.empty()) return serve(o, ctx);
  if (o.inputs.empty())
    return fail(Errc::usage, "what is to be verified? a file, '-', a directory, @list or an "
                             "https:// address");
  if (o.format != "text" && ctx.ui().json())
    return fail(Errc::usage, "give --json or --format, not both");
  const std::vector<Input> inputs = TRY(expand_inputs(o.inputs));
  const Session session = TRY(session_of(o, ctx));
  std::vector<verify::Verdict> verdicts;
  if (inputs.size() == 1) {
    const Keep keep = o.bundle.empty() ? Keep::verdict : Keep::bundle;
    Judged judged = Worker{session, ctx}.judge(inputs[0], keep);
    if (!o.bundle.empty()) TRY(write_bundle(o.bundle, judged, ctx));
    verdicts.push_back(std::move(judged.proven.verdict));
  } else {
    if (!o.bundle.empty()) return fail(Errc::usage, "--bundle takes one input");
    verdicts = TRY(Batch(inputs, session, ctx).run(jobs_of(o)));
  }
  print(verdicts, o, ctx);
  return exit_of(verdicts);
}

void add_options(Leaf& leaf, Options& o)
{
  add_question_options(leaf, o.question);
  add_trust_options(leaf, o.trust);
  leaf.option("--format", o.format, "WORD", "How the verdict is written")
      .choices({"text", "junit", "sarif", "markdown"})
      .fallback("text")
      .group("Output");
  leaf.file("--bundle", o.bundle, "Write evidence, collateral and policy to one file")
      .group("Output");
  leaf.option("--serve", o.serve, "ADDRESS:PORT", "Answer the reference verifier's HTTP interface");
  leaf.number("-j,--jobs", o.jobs, "N", "Inputs judged at once; default is one a processor");
}

} // namespace

void add_verify(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("verify", "Judge quotes, attestations, certificates and live addresses");
  leaf.arguments("INPUT", o->inputs, "File, '-', directory, @list, bundle or https://host");
  add_options(leaf, *o);
  leaf.json(std::string{report::verdict_schema})
      .describe("Takes Intel quotes (SGX, TDX), AMD SEV-SNP reports, dstack attestations, RA-TLS "
                "certificates, and the "
                "JSON of GetQuote, Attest and Info, raw, in hex or in base64, and says whether "
                "they can be trusted and why. Every check is named with what was expected, what "
                "was seen and where the expectation comes from.")
      .describe("Collateral comes from the services of the settings pccs.url and kds.url and is "
                "cached; "
                "--collateral and --offline never touch the network. A bundle repeats a verdict "
                "without either.")
      .describe("With --image MRTD and RTMR0 to RTMR2 of TDX, or the launch digest of SEV-SNP, must "
                "be what the image's files give: RTMR0 for the machine that the evidence's "
                "vm_config describes, which is believed only when the register matches, RTMR1 for "
                "the image's kernel however QEMU served it. Of an image given by its hash the "
                "measurements count that come with the evidence and belong to that image. What "
                "cannot be predicted is noted; 'dstack diagnose' says why a register differs.")
      .describe("--serve answers POST /verify and GET /health as the reference verifier does; "
                "is_valid is the verdict under --policy, os_image_hash_verified is true only when "
                "--image was compared with the registers.")
      .describe("'dstack help policy' explains policies and their files.")
      .describe("Exit status: 0 trusted, 3 refused, 4 malformed, 1 could not be checked. Evidence "
                "of the simulated TEE is refused unless --allow-simulated is given.")
      .example("dstack verify quote.bin", "One quote, collateral fetched when it is not cached")
      .example("dstack verify https://app.example.com --image dstack-0.6.0",
               "A live address and the OS image behind it")
      .example("dstack verify att.json --compose app-compose.json --nonce 00ff",
               "The app, and an answer to a challenge")
      .example("dstack verify quotes/ --format junit > report.xml", "Many, for a CI system")
      .example("dstack verify quote.bin --bundle out.dsv; dstack verify out.dsv --at "
               "2026-11-23T00:00:00Z",
               "Keep a verdict, and repeat it years later")
      .example("dstack verify --serve 127.0.0.1:8080 --policy permissive", "As a service")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
