#include "attest/ccel.hpp"
#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "cli/measure/findings.hpp"
#include "cli/measure/suspects.hpp"
#include "cli/verify/inputs.hpp"
#include "verify/amd.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string quote = "-";
  std::string image;
  std::string event_log;
  ShapeOptions shape;
};

/// The evidence and what of it there is to explain.
struct Case {
  attest::Evidence evidence{};
  measure::Observed observed{};
  bool simulated = false;
};

/// JSON as guests give it, or the firmware's own log as the table CCEL points to it.
Result<std::vector<attest::TdxEvent>> read_log(const std::string& file)
{
  const Bytes raw = TRY(sys::read_file(file, attest::max_tcg_log));
  if (!trim(as_text(raw)).starts_with('[')) return attest::parse_ccel(raw);
  return attest::log_from_json(TRY(codec::parse_json(as_text(raw))));
}

Result<Case> read_case(const Options& o)
{
  const auto inputs = TRY(expand_inputs({o.quote}));
  if (inputs.size() != 1 || inputs[0].kind == Input::Kind::address)
    return fail(Errc::usage, "diagnose takes one file, or '-'");
  const Bytes file = TRY(read_input(inputs[0]));
  Case out;
  out.evidence = TRY(attest::recognise(file).within("{}", inputs[0].name));
  const dcap::Quote quote =
      TRY(dcap::parse_quote(out.evidence.attestation.quote).within("{}", inputs[0].name));
  if (quote.tee != dcap::TeeType::tdx)
    return fail(Errc::unsupported, "{}: an SGX quote has no such registers", inputs[0].name);
  out.simulated = verify::claims_simulated(out.evidence);
  out.observed.mrtd = quote.td.mrtd;
  for (std::size_t i = 0; i < out.observed.rtmr.size(); ++i)
    out.observed.rtmr[i] = quote.td.rtmr[i];
  if (!o.event_log.empty())
    add_log(out.observed, TRY(read_log(o.event_log).within("{}", o.event_log)));
  else if (out.evidence.has_event_log)
    add_log(out.observed, out.evidence.attestation.event_log);
  return out;
}

Exit exit_of(measure::Fit fit)
{
  switch (fit) {
  case measure::Fit::stated:
    return Exit::ok;
  case measure::Fit::changed:
    return Exit::difference;
  case measure::Fit::nothing:
    return Exit::refused;
  }
  return Exit::bug;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const Case question = TRY(read_case(o));
  const Stated stated = TRY(stated_vm(question.evidence, o.shape, o.image, ctx));
  const Diagnosed answer =
      TRY(diagnose_evidence({question.evidence, question.observed, question.simulated}, stated,
                            o.image, ctx));
  if (ctx.ui().json())
    ctx.ui().document(findings_json(stated, answer, question.simulated));
  else
    print_findings(ctx.ui(), stated, answer, question.simulated);
  return exit_of(verdict_of(answer.diagnosis));
}

} // namespace

void add_diagnose(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("diagnose", "Say why a quote's registers are not those predicted");
  leaf.file_argument("QUOTE", o->quote, "Quote, attestation or GetQuote JSON; '-' is stdin")
      .fallback("-");
  leaf.option("--image", o->image, "IMAGE",
              "Image that should have booted: name or directory; left out: what the evidence says "
              "of it")
      .completes(image_candidates);
  leaf.file("--event-log", o->event_log, "Event log, JSON or CCEL; else the one in the evidence");
  add_shape_options(leaf, o->shape);
  leaf.json("dstack.diagnose/1")
      .describe("Compares MRTD and RTMR0 to RTMR2 of a TDX quote with what the image and the VM's "
                "inputs give, and where they differ looks for the input that explains it: version "
                "of QEMU, page order, 8259, who wrote the kernel's header, CPUs, memory, hotplug, "
                "PCI hole, PCI slots, GPUs, NVSwitches, NUMA, and firmware, kernel, command line "
                "and initrd of the other images here. Inputs are taken from the options, else from "
                "the evidence's vm_config, which is the host's claim. With an event log every event "
                "is explained by itself. The quote is not verified: 'dstack verify' does that.")
      .describe("Versions of QEMU whose tables are alike are named by one of them: 8.2.2 for 8.x, "
                "9.1.0 for 9.0 and 9.1, 9.2.1 for 9.2, 10.0.0 for 10.x, 11.0.0, 11.1.0.")
      .describe("Without --image the measurement document in the evidence is used, if it has one: "
                "that says which VM it was, not which image ought to have run.")
      .describe("Exit status 0: every register is as stated. 6: some are not, and other inputs "
                "explain all of them. 3: nothing that was tried explains some.")
      .example("dstack diagnose att.json --image dstack-0.6.0", "With the log in the evidence")
      .example("dstack diagnose quote.bin --image dstack-0.6.0 --cpus 4 --memory 8G --qemu 9.2.1",
               "A quote alone")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
