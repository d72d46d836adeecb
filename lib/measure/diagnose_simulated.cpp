#include "measure/boot.hpp"
#include "measure/diagnose_parts.hpp"

namespace dstack::measure {

namespace {

using crypto::Sha384Digest;

/// A register of one event: what the event must be.
Sha384Digest extended(const Sha384Digest& event)
{
  attest::Register out;
  out.extend(event);
  return out.value();
}

/// The suspect for which `fits`, as a finding; the first is the stated one.
Finding find_one(std::string_view place,
                 std::string_view input,
                 const std::vector<DigestSuspect>& suspects,
                 const Sha384Digest& actual,
                 const std::function<Sha384Digest(const Sha384Digest&)>& value_of)
{
  Finding out = finding_of(place, value_of(suspects[0].digest), actual);
  for (const DigestSuspect& suspect : suspects) {
    if (value_of(suspect.digest) != actual) continue;
    add_label(out, input, suspects[0].label, suspect.label);
    out.fit = out.differences.empty() ? Fit::stated : Fit::changed;
    return out;
  }
  out.note = fmt::format("no {} at hand fits", input);
  return out;
}

/// Machines by how far they are from the stated one: memory, CPUs, both.
bool find_shape(const TdxShape& stated, const std::function<bool(const VmShape&)>& fits)
{
  constexpr std::uint32_t most_cpus = 512;
  const VmShape own{stated.machine.cpus, stated.machine.memory_bytes};
  if (fits(own)) return true;
  for (const std::uint64_t memory : all_memory_sizes())
    if (fits({own.cpus, memory})) return true;
  for (std::uint32_t cpus = 1; cpus <= most_cpus; ++cpus)
    if (fits({cpus, own.memory_bytes})) return true;
  const auto usual = usual_memory_sizes();
  for (std::uint32_t cpus = 1; cpus <= most_cpus; ++cpus)
    for (const std::uint64_t memory : usual)
      if (fits({cpus, memory})) return true;
  return false;
}

Finding find_machine(const TdxShape& stated, const Sha384Digest& actual, TdxShape& found)
{
  Finding out = finding_of(
      "RTMR0", extended(shape_digest({stated.machine.cpus, stated.machine.memory_bytes})), actual);
  out.events.emplace_back("sim-vm-shape");
  const bool any = find_shape(stated, [&](const VmShape& shape) {
    if (extended(shape_digest(shape)) != actual) return false;
    found.machine.cpus = shape.cpus;
    found.machine.memory_bytes = shape.memory_bytes;
    return true;
  });
  if (!any) {
    out.note = "no number of CPUs and memory size that was tried fits";
    return out;
  }
  out.differences = differences(stated, found);
  out.fit = out.differences.empty() ? Fit::stated : Fit::changed;
  if (out.fit == Fit::stated) out.events.clear();
  return out;
}

} // namespace

Result<Diagnosis> diagnose(const SimulatedSuspects& suspects, const Observed& observed)
{
  for (const auto* list :
       {&suspects.firmwares, &suspects.kernels, &suspects.cmdlines, &suspects.initrds})
    if (list->empty()) return fail(Errc::internal, "diagnosis without the image's own parts");
  const auto as_it_is = [](const Sha384Digest& digest) { return digest; };
  Diagnosis out;
  out.found = suspects.stated;
  out.findings.push_back(
      find_one("MRTD", "firmware", suspects.firmwares, observed.mrtd, as_it_is));
  out.findings.push_back(find_machine(suspects.stated, observed.rtmr[0], out.found));
  out.findings.push_back(
      find_one("RTMR1", "kernel", suspects.kernels, observed.rtmr[1], extended));
  Search search{suspects.stated, observed, out.found, {}, std::move(out.findings)};
  diagnose_rtmr2(search, suspects.cmdlines, suspects.initrds);
  out.findings = std::move(search.findings);
  return out;
}

} // namespace dstack::measure
