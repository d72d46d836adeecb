#include "measure/diagnose.hpp"

#include "base/text.hpp"
#include "measure/boot.hpp"
#include "measure/inputs.hpp"
#include "measure/machine_layout.hpp"

#include <doctest/doctest.h>
#include <set>

namespace dstack::measure {
namespace {

using crypto::Sha384Digest;

Sha384Digest digest_of(std::string_view text)
{
  return crypto::sha384(as_bytes(text));
}

/// An image whose every part has its name in it.
void add_image(Suspects& to, const std::string& name, std::string_view witness)
{
  FirmwareSuspect firmware{name, *parse_witness(*parse_hex(witness)), digest_of(name + " cfv"), {}};
  firmware.mrtd[PageOrder::single_pass] = digest_of(name + " one pass");
  firmware.mrtd[PageOrder::two_pass] = digest_of(name + " two passes");
  to.firmwares.push_back(std::move(firmware));
  to.kernels.push_back({name,
                        [name](KernelForm form) -> Result<Sha384Digest> {
                          return digest_of(fmt::format("{} kernel {}", name, form));
                        },
                        false});
  to.cmdlines.push_back({name, digest_of(name + " cmdline")});
  to.initrds.push_back({name, digest_of(name + " initrd")});
}

/// Two images, and the VM that is stated: QEMU 9.1.0, 2 CPUs, 2 GiB.
Suspects world()
{
  Suspects out;
  out.stated = usual_shape({9, 1, 0}, 2, 2 * gib);
  add_image(out, "own", "80100904000609020b021010");
  add_image(out, "other", "80100904000609020b02110f");
  return out;
}

/// What really ran: inputs as options, and which image each part came from.
struct Planted {
  std::vector<std::string> options{}; ///< name, value, …
  std::size_t firmware = 0;
  std::size_t kernel = 0;
  std::size_t cmdline = 0;
  std::size_t initrd = 0;
};

enum class Log { full, tables_only, none };

Observed observe(const Suspects& suspects, const Planted& planted, Log log)
{
  VmConfig config;
  config.cpus = 2;
  for (std::size_t i = 0; i < planted.options.size(); i += 2)
    REQUIRE(set_input(config, planted.options[i], planted.options[i + 1]));
  const TdxShape shape = *shape_of(config);
  TdxMaterial material;
  const FirmwareSuspect& firmware = suspects.firmwares[planted.firmware];
  material.hob = firmware.hob;
  material.cfv = firmware.cfv;
  material.mrtd = firmware.mrtd;
  const KernelForm form = kernel_form(shape);
  material.kernels[form] = *suspects.kernels[planted.kernel].digest(form);
  material.cmdline = suspects.cmdlines[planted.cmdline].digest;
  material.initrd = suspects.initrds[planted.initrd].digest;
  const auto prediction = predict_tdx(material, shape);
  REQUIRE_MESSAGE(prediction, (prediction ? "" : prediction.error().message()));
  Observed out;
  out.mrtd = prediction->mrtd;
  out.rtmr = prediction->rtmr;
  std::vector<attest::TdxEvent> events;
  for (std::uint32_t rtmr = 0; rtmr < 3; ++rtmr)
    for (const BootEvent& event : prediction->events[rtmr]) {
      attest::TdxEvent one;
      one.imr = rtmr;
      one.digest = event.digest;
      const bool table = event.name.starts_with("acpi-");
      if (table) one.name = std::string{event.name};
      if (log == Log::full || (log == Log::tables_only && table)) events.push_back(std::move(one));
    }
  add_log(out, events);
  return out;
}

/// "cpus=4 memory=8G": every input that was found to differ, sorted.
std::string found_in(const Diagnosis& diagnosis)
{
  std::set<std::string> all;
  for (const Finding& finding : diagnosis.findings)
    for (const Difference& difference : finding.differences)
      all.insert(fmt::format("{}={}", difference.input, difference.found));
  return join({all.begin(), all.end()}, " ");
}

std::string events_in(const Diagnosis& diagnosis)
{
  std::vector<std::string> all;
  for (const Finding& finding : diagnosis.findings)
    if (finding.fit != Fit::stated)
      all.push_back(fmt::format("{} {}", finding.place, join(finding.events, ",")));
  return join(all, "; ");
}

Diagnosis diagnosed(const Suspects& suspects, const Observed& observed)
{
  auto out = diagnose(suspects, observed);
  REQUIRE_MESSAGE(out, (out ? "" : out.error().message()));
  return *std::move(out);
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("a quote that is as stated")
  {
    for (const Log log : {Log::full, Log::tables_only, Log::none}) {
      const Suspects suspects = world();
      const Diagnosis out = diagnosed(suspects, observe(suspects, {}, log));
      CHECK(verdict_of(out) == Fit::stated);
      CHECK(out.findings.size() == 4);
    }
  }

  TEST_CASE("planted inputs are found, with a log and without")
  {
    struct Case {
      Planted planted{};
      std::string found{};
      std::string events{}; ///< with the full log
    };
    const std::vector<Case> cases{
        {{{"cpus", "4"}}, "cpus=4", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"cpus", "64"}}, "cpus=64", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"memory", "8G"}}, "memory=8G", "RTMR0 td-hob"},
        {{{"memory", "96G"}}, "memory=96G", "RTMR0 td-hob"},
        {{{"memory", "1G"}}, "memory=1G", "RTMR0 td-hob; RTMR0 acpi-tables; RTMR1 kernel"},
        {{{"qemu", "8.2.2"}}, "pic=on qemu=8.2.2 two-pass=on", "MRTD ; RTMR0 acpi-tables"},
        {{{"qemu", "9.2.1"}}, "qemu=9.2.1", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"qemu", "10.0.0"}}, "qemu=10.0.0", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"qemu", "11.0.0"}},
         "kernel-header=file qemu=11.0.0",
         "RTMR0 acpi-loader,acpi-rsdp,acpi-tables; RTMR1 kernel"},
        {{{"qemu", "11.1.0"}},
         "kernel-header=file qemu=11.1.0",
         "RTMR0 acpi-loader,acpi-rsdp,acpi-tables; RTMR1 kernel"},
        {{{"two-pass", "on"}}, "two-pass=on", "MRTD "},
        {{{"pic", "on"}}, "pic=on", "RTMR0 acpi-tables"},
        {{{"kernel-header", "file"}}, "kernel-header=file", "RTMR1 kernel"},
        {{{"hotplug", "off"}}, "hotplug=off", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"pci-hole64", "16T"}}, "pci-hole64=16T", "RTMR0 acpi-tables"},
        {{{"nics", "2"}}, "slots=6", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"volumes", "4"}}, "slots=9", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"gpus", "1"}}, "gpus=1", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"hugepages", "on"}}, "numa-nodes=1", "RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{}, 1, 0, 0, 0}, "firmware=other", "MRTD ; RTMR0 td-hob; RTMR0 cfv"},
        {{{}, 0, 1, 0, 0}, "kernel=other", "RTMR1 kernel"},
        {{{}, 0, 0, 1, 0}, "cmdline=other", "RTMR2 cmdline"},
        {{{}, 0, 0, 0, 1}, "initrd=other", "RTMR2 initrd"},
        {{{}, 0, 1, 1, 1},
         "cmdline=other initrd=other kernel=other",
         "RTMR1 kernel; RTMR2 cmdline; RTMR2 initrd"},
        {{{"cpus", "8", "memory", "16G"}},
         "cpus=8 memory=16G",
         "RTMR0 td-hob; RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
        {{{"qemu", "8.2.2", "cpus", "4"}},
         "cpus=4 pic=on qemu=8.2.2 two-pass=on",
         "MRTD ; RTMR0 acpi-loader,acpi-rsdp,acpi-tables"},
    };
    const Suspects suspects = world();
    for (const Case& one : cases)
      for (const Log log : {Log::full, Log::tables_only, Log::none}) {
        const Diagnosis out = diagnosed(suspects, observe(suspects, one.planted, log));
        CHECK(verdict_of(out) == Fit::changed);
        CHECK_MESSAGE(found_in(out) == one.found, one.found);
        if (log == Log::full) CHECK_MESSAGE(events_in(out) == one.events, one.found);
      }
    CHECK(cases.size() >= 20);
  }

  TEST_CASE("several inputs at once, where the log says what each event must be")
  {
    const Suspects suspects = world();
    const auto found = [&](const std::vector<std::string>& options) {
      return found_in(diagnosed(suspects, observe(suspects, {options}, Log::full)));
    };
    CHECK(found({"memory", "2049M"}) == "memory=2049M");
    CHECK(found({"pic", "on", "cpus", "16", "memory", "64G"}) == "cpus=16 memory=64G pic=on");
  }

  TEST_CASE("what is found is a shape that predicts the quote")
  {
    const Suspects suspects = world();
    const Planted planted{{"qemu", "8.2.2", "cpus", "4", "memory", "8G"}};
    const Observed observed = observe(suspects, planted, Log::full);
    Suspects again = suspects;
    again.stated = diagnosed(suspects, observed).found;
    CHECK(verdict_of(diagnosed(again, observed)) == Fit::stated);
  }

  TEST_CASE("nothing fits: said of the register and event that nothing explains")
  {
    const Suspects suspects = world();
    const auto broken = [&](std::uint32_t rtmr, std::size_t event, Log log) {
      Observed observed = observe(suspects, {}, Log::full);
      observed.events[rtmr][event] = digest_of("something else");
      attest::Register value;
      for (const Sha384Digest& digest : observed.events[rtmr])
        value.extend(digest);
      observed.rtmr[rtmr] = value.value();
      if (log == Log::none) observed.events = {};
      observed.acpi.reset();
      const Diagnosis out = diagnosed(suspects, observed);
      CHECK(verdict_of(out) == Fit::nothing);
      CHECK(found_in(out).empty());
      for (const Finding& finding : out.findings)
        CHECK((finding.fit == Fit::stated || !finding.note.empty()));
      return events_in(out);
    };
    CHECK(broken(0, 0, Log::full) == "RTMR0 td-hob");
    CHECK(broken(0, 1, Log::full) == "RTMR0 cfv");
    CHECK(broken(0, 2, Log::full) == "RTMR0 SecureBoot");
    CHECK(broken(0, 12, Log::full) == "RTMR0 Boot0000");
    CHECK(broken(1, 0, Log::full) == "RTMR1 kernel");
    CHECK(broken(1, 4, Log::full) == "RTMR1 exit-returned");
    CHECK(broken(2, 0, Log::full) == "RTMR2 cmdline");
    CHECK(broken(2, 1, Log::none) == "RTMR2 ");
    CHECK(broken(1, 0, Log::none) == "RTMR1 ");
    Observed other = observe(suspects, {}, Log::none);
    other.mrtd = digest_of("other firmware");
    const Diagnosis out = diagnosed(suspects, other);
    CHECK(events_in(out) == "MRTD ");
    CHECK(verdict_of(out) == Fit::nothing);
  }

  TEST_CASE("a log of another length is other firmware; one that does not replay is not used")
  {
    const Suspects suspects = world();
    Observed observed = observe(suspects, {}, Log::full);
    attest::Register longer = attest::Register::of(observed.rtmr[0]);
    longer.extend(digest_of("one more"));
    observed.rtmr[0] = longer.value();
    observed.events[0].push_back(digest_of("one more"));
    const Diagnosis out = diagnosed(suspects, observed);
    CHECK(verdict_of(out) == Fit::nothing);
    CHECK(out.findings[1].note == "the log has 14 events where this firmware makes 13");

    Observed lying;
    lying.rtmr[0] = digest_of("register");
    attest::TdxEvent event;
    event.digest = digest_of("event");
    add_log(lying, {event});
    CHECK(lying.events[0].empty());
  }

  TEST_CASE("the simulated TEE's registers are explained by its own events")
  {
    BootInputs inputs;
    inputs.kernel = digest_of("kernel");
    inputs.initrd = digest_of("initrd");
    inputs.cmdline = "a=b";
    inputs.shape = {4, 6 * gib};
    const auto boot = simulated_boot(inputs, digest_of("mrtd"));
    REQUIRE(boot);
    Observed observed;
    observed.mrtd = boot->mrtd;
    for (std::size_t i = 0; i < 3; ++i)
      observed.rtmr[i] = boot->rtmr[i];
    SimulatedSuspects suspects;
    suspects.stated = usual_shape(assumed_qemu, 2, 2 * gib);
    suspects.firmwares = {{"own", digest_of("mrtd")}};
    suspects.kernels = {{"own", digest_of("another kernel")}, {"other", digest_of("kernel")}};
    suspects.cmdlines = {{"own", cmdline_digest("a=b")}};
    suspects.initrds = {{"own", digest_of("initrd")}};
    const auto out = diagnose(suspects, observed);
    REQUIRE(out);
    CHECK(verdict_of(*out) == Fit::changed);
    CHECK(found_in(*out) == "cpus=4 kernel=other memory=6G");
    CHECK(events_in(*out) == "RTMR0 sim-vm-shape; RTMR1 ");
    suspects.kernels.pop_back();
    CHECK(verdict_of(*diagnose(suspects, observed)) == Fit::nothing);
    suspects.kernels.clear();
    CHECK(!diagnose(suspects, observed));
  }
}

} // namespace dstack::measure
