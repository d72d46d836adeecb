#include "measure/diagnose_parts.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

using crypto::Sha384Digest;

constexpr std::array<std::string_view, 3> rtmr_names{"RTMR0", "RTMR1", "RTMR2"};

void add_stated(Search& search, Finding finding)
{
  finding.fit = Fit::stated;
  search.findings.push_back(std::move(finding));
}

void diagnose_mrtd(Search& search)
{
  const auto& firmwares = search.firmwares;
  Finding out =
      finding_of("MRTD", firmwares[0].mrtd.at(search.stated.pages), search.observed.mrtd);
  if (out.predicted == out.actual) return add_stated(search, std::move(out));
  for (const FirmwareSuspect& firmware : firmwares)
    for (const auto& [pages, digest] : firmware.mrtd) {
      if (out.fit != Fit::nothing || digest != search.observed.mrtd) continue;
      out.fit = Fit::changed;
      add_label(out, "firmware", firmwares[0].label, firmware.label);
      search.found.pages = pages;
      TdxShape other = search.stated;
      other.pages = pages;
      for (Difference& difference : differences(search.stated, other))
        out.differences.push_back(std::move(difference));
    }
  if (out.fit == Fit::nothing)
    out.note = "the quote's firmware is none of the files at hand, in neither order of pages";
  search.findings.push_back(std::move(out));
}

/// Forms a kernel may have been served in: as stated, as found, as usual, then any.
std::vector<KernelForm> kernel_forms(const Search& search)
{
  constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
  std::vector<KernelForm> out{kernel_form(search.stated)};
  const auto add = [&out](KernelForm form) {
    if (std::find(out.begin(), out.end(), form) == out.end()) out.push_back(form);
  };
  add(0);
  add(serving_class(search.found.machine.memory_bytes));
  add(serving_class(std::uint64_t{2048} * mib));
  for (std::uint64_t size = 512 * mib; size < 2816 * mib; size += 256 * mib)
    add(serving_class(size));
  return out;
}

/// The stated shape, changed so that kernels are served in this form.
TdxShape with_form(const Search& search, KernelForm form)
{
  TdxShape out = search.stated;
  out.header = form == 0 ? KernelHeader::as_in_file : KernelHeader::written_by_qemu;
  if (form == 0 || form == serving_class(out.machine.memory_bytes)) return out;
  out.machine.memory_bytes = form == serving_class(search.found.machine.memory_bytes)
                                 ? search.found.machine.memory_bytes
                                 : form;
  return out;
}

/// Tries kernels until one fits; reasons go to the finding.
void find_kernel(Search& search,
                 const std::vector<KernelSuspect>& kernels,
                 Finding& out,
                 const std::function<bool(const Sha384Digest&)>& fits)
{
  for (const KernelSuspect& kernel : kernels)
    for (const KernelForm form : kernel_forms(search)) {
      if (kernel.normalised && form != 0) continue;
      const auto digest = kernel.digest(form); // an initrd too large for this memory: no candidate
      if (!digest || !fits(*digest)) continue;
      out.fit = Fit::changed;
      add_label(out, "kernel", kernels[0].label, kernel.label);
      if (kernel.normalised) return;
      const TdxShape with = with_form(search, form);
      search.found.header = with.header;
      for (Difference& difference : differences(search.stated, with))
        out.differences.push_back(std::move(difference));
      return;
    }
  out.note = "no kernel at hand fits, neither as its file is nor with the header QEMU writes";
}

Status diagnose_rtmr1(Search& search, const std::vector<KernelSuspect>& kernels)
{
  const KernelSuspect& own = kernels[0];
  const Sha384Digest digest =
      TRY(own.digest(own.normalised ? KernelForm{0} : kernel_form(search.stated)));
  const auto predicted = rtmr1_events(digest);
  const auto& actual = search.observed.events[1];
  if (!actual.empty()) {
    add_constants(search, 1, predicted, {0});
    if (predicted[0].digest != actual[0]) {
      Finding out = event_finding("RTMR1", predicted[0], actual[0]);
      find_kernel(search, kernels, out,
                  [&](const Sha384Digest& kernel) { return kernel == actual[0]; });
      search.findings.push_back(std::move(out));
    }
  } else if (replay(predicted) != search.observed.rtmr[1]) {
    Finding out = finding_of("RTMR1", replay(predicted), search.observed.rtmr[1]);
    find_kernel(search, kernels, out, [&](const Sha384Digest& kernel) {
      return replay(rtmr1_events(kernel)) == search.observed.rtmr[1];
    });
    search.findings.push_back(std::move(out));
  }
  add_match(search, 1);
  return ok();
}

Finding find_digest(std::string_view input,
                    const std::vector<DigestSuspect>& suspects,
                    const BootEvent& predicted,
                    const Sha384Digest& actual)
{
  Finding out = event_finding("RTMR2", predicted, actual);
  for (const DigestSuspect& suspect : suspects) {
    if (out.fit != Fit::nothing || suspect.digest != actual) continue;
    out.fit = Fit::changed;
    add_label(out, input, suspects[0].label, suspect.label);
  }
  if (out.fit == Fit::nothing) out.note = fmt::format("no {} at hand has this digest", input);
  return out;
}

Finding find_pair(const std::vector<DigestSuspect>& cmdlines,
                  const std::vector<DigestSuspect>& initrds,
                  const Sha384Digest& actual)
{
  Finding out =
      finding_of("RTMR2", replay(rtmr2_events(cmdlines[0].digest, initrds[0].digest)), actual);
  for (const DigestSuspect& cmdline : cmdlines)
    for (const DigestSuspect& initrd : initrds) {
      if (out.fit != Fit::nothing ||
          replay(rtmr2_events(cmdline.digest, initrd.digest)) != actual)
        continue;
      out.fit = Fit::changed;
      add_label(out, "cmdline", cmdlines[0].label, cmdline.label);
      add_label(out, "initrd", initrds[0].label, initrd.label);
    }
  if (out.fit == Fit::nothing) out.note = "no command line and initrd at hand fit together";
  return out;
}

} // namespace

Finding
finding_of(std::string_view place, const Sha384Digest& predicted, const Sha384Digest& actual)
{
  Finding out;
  out.place = std::string{place};
  out.predicted = predicted;
  out.actual = actual;
  return out;
}

Finding
event_finding(std::string_view place, const BootEvent& predicted, const Sha384Digest& actual)
{
  Finding out = finding_of(place, predicted.digest, actual);
  out.events.emplace_back(predicted.name);
  return out;
}

bool add_constants(Search& search,
                   std::size_t rtmr,
                   const std::vector<BootEvent>& predicted,
                   const std::vector<std::size_t>& variable)
{
  const auto& actual = search.observed.events[rtmr];
  for (std::size_t i = 0; i < std::min(predicted.size(), actual.size()); ++i) {
    const bool checked_elsewhere = std::find(variable.begin(), variable.end(), i) != variable.end();
    if (checked_elsewhere || predicted[i].digest == actual[i]) continue;
    Finding out = event_finding(rtmr_names[rtmr], predicted[i], actual[i]);
    out.note = fmt::format("event {} is the same for every image and VM: other firmware", i);
    search.findings.push_back(std::move(out));
  }
  if (predicted.size() == actual.size()) return true;
  Finding out = finding_of(rtmr_names[rtmr], replay(predicted), search.observed.rtmr[rtmr]);
  out.note = fmt::format("the log has {} events where this firmware makes {}", actual.size(),
                         predicted.size());
  search.findings.push_back(std::move(out));
  return false;
}

void add_label(Finding& finding,
               std::string_view input,
               const std::string& own,
               const std::string& found)
{
  if (own != found) finding.differences.push_back({std::string{input}, own, found});
}

void add_match(Search& search, std::size_t rtmr)
{
  if (std::any_of(search.findings.begin(), search.findings.end(),
                  [&](const Finding& finding) { return finding.place == rtmr_names[rtmr]; }))
    return;
  Finding out = finding_of(rtmr_names[rtmr], search.observed.rtmr[rtmr],
                           search.observed.rtmr[rtmr]);
  out.fit = Fit::stated;
  search.findings.push_back(std::move(out));
}

void diagnose_rtmr2(Search& search,
                    const std::vector<DigestSuspect>& cmdlines,
                    const std::vector<DigestSuspect>& initrds)
{
  const auto predicted = rtmr2_events(cmdlines[0].digest, initrds[0].digest);
  const auto& actual = search.observed.events[2];
  if (actual.empty()) {
    if (replay(predicted) != search.observed.rtmr[2])
      search.findings.push_back(find_pair(cmdlines, initrds, search.observed.rtmr[2]));
  } else if (add_constants(search, 2, predicted, {0, 1})) {
    if (predicted[0].digest != actual[0])
      search.findings.push_back(find_digest("cmdline", cmdlines, predicted[0], actual[0]));
    if (predicted[1].digest != actual[1])
      search.findings.push_back(find_digest("initrd", initrds, predicted[1], actual[1]));
  }
  add_match(search, 2);
}

void add_log(Observed& observed, const std::vector<attest::TdxEvent>& log)
{
  AcpiDigests acpi;
  std::size_t tables = 0;
  for (std::uint32_t rtmr = 0; rtmr < observed.events.size(); ++rtmr) {
    attest::Register replayed;
    std::vector<Sha384Digest> digests;
    for (const attest::TdxEvent& event : log) {
      if (event.imr != rtmr || !event.digest) continue;
      replayed.extend(*event.digest);
      digests.push_back(*event.digest);
      if (rtmr != 0) continue;
      for (const auto& [name, to] : {std::pair{"acpi-loader", &acpi.loader},
                                     std::pair{"acpi-rsdp", &acpi.rsdp},
                                     std::pair{"acpi-tables", &acpi.tables}})
        if (event.name == name) {
          *to = *event.digest;
          ++tables;
        }
    }
    if (!digests.empty() && replayed.value() == observed.rtmr[rtmr])
      observed.events[rtmr] = std::move(digests);
  }
  if (tables == 3) observed.acpi = acpi;
}

std::string_view name_of(Fit fit)
{
  switch (fit) {
  case Fit::stated:
    return "as stated";
  case Fit::changed:
    return "other inputs";
  case Fit::nothing:
    return "no fit";
  }
  bug("fit");
}

Fit verdict_of(const Diagnosis& diagnosis)
{
  Fit out = Fit::stated;
  for (const Finding& finding : diagnosis.findings)
    out = std::max(out, finding.fit);
  return out;
}

Result<Diagnosis> diagnose(const Suspects& suspects, const Observed& observed)
{
  if (suspects.firmwares.empty() || suspects.kernels.empty() || suspects.cmdlines.empty() ||
      suspects.initrds.empty() || !suspects.firmwares[0].mrtd.contains(suspects.stated.pages))
    return fail(Errc::internal, "diagnosis without the image's own parts");
  Search search{suspects.stated, observed, suspects.stated, suspects.firmwares, {}};
  diagnose_mrtd(search);
  TRY(diagnose_rtmr0(search).within("RTMR0"));
  add_match(search, 0);
  TRY(diagnose_rtmr1(search, suspects.kernels).within("RTMR1"));
  diagnose_rtmr2(search, suspects.cmdlines, suspects.initrds);
  return Diagnosis{std::move(search.findings), search.found};
}

} // namespace dstack::measure
