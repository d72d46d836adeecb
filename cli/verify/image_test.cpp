#include "cli/verify/image.hpp"

#include "base/test_vectors.hpp"

#include <doctest/doctest.h>

namespace dstack::cli {

namespace {

std::filesystem::path vectors()
{
  return test_vectors() / "attest";
}

bool present()
{
  if (std::filesystem::exists(vectors())) return true;
  MESSAGE("not run: no vectors at " << vectors().string());
  return false;
}

/// The VM as the host of published evidence describes it, with one member changed.
DescribedVm changed(const DescribedVm& vm, std::string_view member, codec::Json value)
{
  DescribedVm out = vm;
  out.config.set(member, std::move(value));
  return out;
}

const verify::Check* find(const verify::Verdict& verdict, std::string_view id)
{
  for (const verify::Check& check : verdict.checks)
    if (check.id == id) return &check;
  return nullptr;
}

bool passed(const verify::Verdict& verdict, std::string_view id)
{
  const verify::Check* check = find(verdict, id);
  return check != nullptr && check->outcome == verify::Outcome::passed;
}

/// A quote of TDX hardware with its collateral.
struct Published {
  attest::Evidence evidence =
      *attest::recognise(as_bytes(slurp(vectors() / "tdx-lite-getquote.json")));
  dcap::HashedCollateral collateral{
      *dcap::collateral_from_json(slurp(vectors() / "collateral/86e3287ec7108350.json"))};
  dcap::Verifier verifier{dcap::Anchor::intel()};

  verify::Verdict judge(Result<verify::ImageExpectation> image)
  {
    REQUIRE_MESSAGE(image, (image ? "" : image.error().message()));
    // The event of the published log names another image than its vm_config does.
    image->os_image_hash = "07a2388c7a6a1b6a646d443f1517990a4ec294471d63146cda9d56972765051d";
    const verify::Question question{verify::strict_policy(), {}, *image, Time{1'782'215'795'000}};
    return verify::verify(evidence, {&verifier, &collateral, {}}, question);
  }
};

const std::string image_hash = "e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db";

} // namespace

TEST_SUITE("cli::expected_image")
{
  TEST_CASE("a quote of hardware has every register that its image and machine give")
  {
    if (!present()) return;
    Published published;
    const DescribedVm vm = *described_vm(published.evidence, false);
    CHECK(vm.tee == store::Tee::tdx);
    const verify::Verdict verdict = published.judge(expected_by_hash(image_hash, vm));
    INFO(verdict.reason);
    CHECK(verdict.answer == verify::Answer::trusted);
    for (const char* id : {"image.hash", "image.mrtd", "image.rtmr0", "image.rtmr1", "image.rtmr2"})
      CHECK_MESSAGE(passed(verdict, id), id);
  }

  TEST_CASE("another machine than the one described is refused by the register that differs")
  {
    if (!present()) return;
    Published published;
    const DescribedVm vm = *described_vm(published.evidence, false);
    for (const auto& [member, value] :
         std::vector<std::pair<const char*, codec::Json>>{{"cpu_count", 3},
                                                          {"memory_size", std::uint64_t{4} << 30U},
                                                          {"qemu_version", "9.2.1"},
                                                          {"num_nics", 2},
                                                          {"hotplug_off", true}}) {
      CAPTURE(member);
      const verify::Verdict verdict =
          published.judge(expected_by_hash(image_hash, changed(vm, member, value)));
      CHECK(verdict.answer == verify::Answer::refused);
      CHECK(verdict.reason.starts_with("not so: rtmr0 is what this image gives (seen f8438db36b"));
      CHECK(passed(verdict, "image.rtmr1"));
    }
  }

  TEST_CASE("a machine that is not said, or cannot be predicted, leaves RTMR0 open and says why")
  {
    if (!present()) return;
    Published published;
    const DescribedVm vm = *described_vm(published.evidence, false);
    verify::Verdict verdict =
        published.judge(expected_by_hash(image_hash, changed(vm, "qemu_version", "")));
    CHECK(passed(verdict, "image.rtmr0")); // one of all sets of tables
    verdict = published.judge(expected_by_hash(image_hash, changed(vm, "qemu_version", "99.0.0")));
    CHECK(verdict.answer == verify::Answer::trusted);
    REQUIRE(find(verdict, "image.rtmr0") != nullptr);
    CHECK(find(verdict, "image.rtmr0")->outcome == verify::Outcome::noted);
    CHECK(find(verdict, "image.rtmr0")->seen.starts_with("not predicted: "));
    CHECK(passed(verdict, "image.rtmr1"));
  }

  TEST_CASE("measurements of another image, or changed ones, are refused")
  {
    if (!present()) return;
    const Published published;
    const DescribedVm vm = *described_vm(published.evidence, false);
    CHECK(expected_by_hash(std::string(64, '0'), vm).error().code() == Errc::untrusted);
    codec::Json document = *vm.config.find("tdx_measurement");
    document.set("measurement", "AAAA");
    const auto other = expected_by_hash(image_hash, changed(vm, "tdx_measurement", document));
    CHECK(other.error().code() == Errc::untrusted);
    const auto without = expected_by_hash(image_hash, changed(vm, "tdx_measurement", {}));
    REQUIRE(without);
    CHECK(without->registers.empty());
    CHECK(without->not_predicted.size() == 4);
  }

  TEST_CASE("a report of SEV-SNP hardware has its image's launch digest")
  {
    if (!present()) return;
    const attest::Evidence evidence =
        *attest::recognise(as_bytes(slurp(vectors() / "sev-snp-attestation.json")));
    const DescribedVm vm = *described_vm(evidence, false);
    CHECK(vm.tee == store::Tee::snp);
    const codec::Json config = *codec::parse_json(*attest::vm_config_of(evidence.attestation));
    const std::string hash = *config.need_string("os_image_hash");
    const auto judge = [&](const DescribedVm& described) {
      const auto image = expected_by_hash(hash, described);
      REQUIRE_MESSAGE(image, (image ? "" : image.error().message()));
      const verify::Question question{
          verify::permissive_policy(), {}, *image, Time{1'785'000'000'000}};
      return verify::verify(evidence, {}, question);
    };
    CHECK(passed(judge(vm), "image.measurement"));
    codec::Json document = *codec::parse_json(*vm.config.need_string("sev_snp_measurement"));
    document.set("vcpus", 3);
    const auto verdict =
        judge(changed(vm, "sev_snp_measurement", codec::write_json(document)));
    CHECK(verdict.answer == verify::Answer::refused);
    CHECK(verdict.reason.find("measurement is what this image gives") != std::string::npos);
  }

  TEST_CASE("VMs whose registers are the same are predicted once")
  {
    DescribedVm a;
    a.config.set("cpu_count", 2);
    const DescribedVm b = a;
    CHECK(key_of(a) == key_of(b));
    a.tee = store::Tee::tdx;
    CHECK(key_of(a) != key_of(b));
    CHECK(key_of(changed(b, "cpu_count", 3)) != key_of(b));
  }
}

} // namespace dstack::cli
