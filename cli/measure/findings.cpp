#include "cli/measure/findings.hpp"

#include "cli/measure/prediction.hpp"

namespace dstack::cli {

namespace {

using measure::Fit;

std::string change_text(const measure::Difference& difference)
{
  return fmt::format("{} is {}, not {}", difference.input, printable(difference.found),
                     printable(difference.stated));
}

void print_finding(Console& ui, const measure::Finding& finding)
{
  if (finding.fit == Fit::stated) {
    ui.line(fmt::format("{:<6} {}", finding.place, ui.paint_out(Tone::good, "as stated")));
    return;
  }
  const Tone tone = finding.fit == Fit::nothing ? Tone::bad : Tone::warn;
  const std::string where =
      finding.events.empty() ? "" : fmt::format(" in {}", join(finding.events, ", "));
  ui.line(fmt::format("{:<6} {}{}", finding.place, ui.paint_out(tone, "DIFFERS"), where));
  ui.line(fmt::format("       predicted {}", hex(finding.predicted)));
  ui.line(fmt::format("       quote has {}", hex(finding.actual)));
  if (finding.fit == Fit::nothing) ui.line(fmt::format("       nothing fits: {}", finding.note));
  for (const measure::Difference& difference : finding.differences)
    ui.line(fmt::format("       fits when {}", change_text(difference)));
}

/// The command that predicts what the quote has.
std::string command_text(const Diagnosed& answer, bool simulated)
{
  const measure::AcpiShape& machine = answer.diagnosis.found.machine;
  if (simulated)
    return fmt::format("dstack measure {} --tee sim --cpus {} --memory {}", answer.image,
                       machine.cpus, measure::exact_size(machine.memory_bytes));
  return fmt::format("dstack measure {} {}", answer.image,
                     join(measure::option_words(answer.diagnosis.found), " "));
}

void print_verdict(Console& ui, const Diagnosed& answer, bool simulated)
{
  switch (verdict_of(answer.diagnosis)) {
  case Fit::stated:
    ui.line("Every register is what the image and the stated inputs give.");
    return;
  case Fit::changed:
    ui.line("Every register is explained by the inputs above.");
    if (answer.others.empty()) ui.line(fmt::format("  {}", command_text(answer, simulated)));
    return;
  case Fit::nothing:
    ui.line("NOTHING THAT WAS TRIED EXPLAINS THIS QUOTE.");
    if (!answer.others.empty())
      ui.line(fmt::format("Also tried: {}", join(answer.others, ", ")));
    return;
  }
}

} // namespace

codec::Json findings_json(const Stated& stated, const Diagnosed& answer, bool simulated)
{
  codec::Json findings = codec::Json::array();
  for (const measure::Finding& finding : answer.diagnosis.findings) {
    codec::Json changes = codec::Json::array();
    for (const measure::Difference& difference : finding.differences)
      changes.push(codec::Json::object()
                       .set("input", difference.input)
                       .set("stated", difference.stated)
                       .set("found", difference.found));
    codec::Json events = codec::Json::array();
    for (const std::string& event : finding.events)
      events.push(event);
    findings.push(codec::Json::object()
                      .set("register", lower(finding.place))
                      .set("events", std::move(events))
                      .set("fit", measure::name_of(finding.fit))
                      .set("predicted", hex(finding.predicted))
                      .set("actual", hex(finding.actual))
                      .set("differences", std::move(changes))
                      .set("note", finding.note));
  }
  codec::Json others = codec::Json::array();
  for (const std::string& name : answer.others)
    others.push(name);
  return codec::Json::object()
      .set("schema", "dstack.diagnose/1")
      .set("image", answer.image)
      .set("simulated", simulated)
      .set("verified", false)
      .set("stated_by", stated.source)
      .set("stated", inputs_json(stated.shape))
      .set("fit", measure::name_of(verdict_of(answer.diagnosis)))
      .set("found", inputs_json(answer.diagnosis.found))
      .set("findings", std::move(findings))
      .set("other_images", std::move(others));
}

void print_findings(Console& ui, const Stated& stated, const Diagnosed& answer, bool simulated)
{
  print_row(ui, "image", answer.image);
  if (simulated) print_row(ui, "SIMULATED", "no TEE hardware vouches for this quote");
  print_row(ui, "stated by", stated.source);
  if (!simulated) print_row(ui, "QEMU", measure::text_of(stated.shape.machine.qemu));
  for (const std::string& line : inputs_text(stated.shape))
    print_row(ui, "", line);
  for (const measure::Finding& finding : answer.diagnosis.findings)
    print_finding(ui, finding);
  print_verdict(ui, answer, simulated);
  ui.note("the quote itself was not verified: 'dstack verify' judges");
}

} // namespace dstack::cli
