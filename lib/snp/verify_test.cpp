#include "snp/verify.hpp"

#include "snp/test_platform.hpp"
#include "x509/read.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

using namespace dstack;
using namespace dstack::snp;
using namespace dstack::snp::testing;

namespace {

/// The stage that failed, or "" when none did.
std::string failed_stage(const Verification& found)
{
  for (const Stage& stage : found.stages)
    if (stage.outcome == StageOutcome::failed) return std::string{stage.id};
  return "";
}

const Stage& stage_of(const Verification& found, std::string_view id)
{
  for (const Stage& stage : found.stages)
    if (stage.id == id) return stage;
  FAIL("no stage " << id);
  return found.stages.front();
}

Verification judge(const Wanted& wanted, const Bytes& report = unsigned_report())
{
  const Platform platform = make_platform(wanted);
  return verify(platform.sign(report), platform.certificates, platform.anchors, now);
}

Bytes changed(std::size_t offset, std::string_view value)
{
  Bytes out = unsigned_report();
  put(out, offset, *parse_hex(value));
  return out;
}

std::filesystem::path vectors()
{
  const char* place = std::getenv("DSTACK_VECTORS");
  return (place != nullptr ? std::filesystem::path{place}
                           : std::filesystem::path{DSTACK_SOURCE_DIR} / "../shared/vectors") /
         "open/attest";
}

std::string slurp(const std::filesystem::path& file)
{
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

TEST_CASE("a good report passes every stage and gives its facts")
{
  const Verification found = judge({});
  INFO((found.error ? found.error->message() : ""));
  REQUIRE(found.facts);
  CHECK(found.stages.size() == 13);
  for (const Stage& stage : found.stages)
    CHECK(stage.outcome == StageOutcome::passed);
  CHECK(found.facts->tcb_status == "UpToDate");
  CHECK(found.facts->product == Product::milan);
  CHECK(found.facts->flags.empty());
  CHECK(found.facts->revocation_checked);
  CHECK(found.facts->valid_from == start);
  CHECK(found.facts->valid_until == start + year);
  CHECK(found.facts->chain.size() == 4);
  CHECK(found.counts.signatures == 4);
  CHECK(found.counts.windows == 4);
}

TEST_CASE("every rule, once broken, stops at its own stage")
{
  const auto with = [](auto change) {
    Wanted out;
    change(out);
    return out;
  };
  CHECK(failed_stage(judge(with([](Wanted& w) { w.vcek_by_other_key = true; }))) == "snp.vcek");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.vcek_name = "SEV-OTHER"; }))) == "snp.vcek");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.vcek_p256 = true; }))) == "snp.vcek");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.ask_is_ca = false; }))) == "snp.vcek");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.pss = false; }))) == "snp.ask");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.vcek_not_after = now - 1; }))) == "snp.validity");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.crl_not_after = now - 1; }))) ==
        "snp.revocation");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.revoke_ask = true; }))) == "snp.revocation");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.product_name = "Genoa-B1"; }))) == "snp.product");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.product_name = "Milano"; }))) == "snp.product");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.hwid[63] ^= 1U; }))) == "snp.chip-id");
  CHECK(failed_stage(judge(with([](Wanted& w) { w.certified.snp = 24; }))) == "snp.tcb");
  CHECK(failed_stage(judge({}, changed(0x188, "1911"))) == "snp.product"); // Genoa's CPUID
  CHECK(failed_stage(judge({}, changed(0x188, "1a90"))) == "snp.product"); // nobody's
  CHECK(failed_stage(judge({}, changed(0x030, "01000000"))) == "snp.vmpl");
  CHECK(failed_stage(judge({}, changed(0x048, "04000000"))) == "snp.signing-key"); // VLEK
  CHECK(failed_stage(judge({}, changed(0x048, "1c000000"))) == "snp.signing-key"); // none
}

TEST_CASE("a failed stage says what was wanted and seen, and later ones do not run")
{
  Wanted wanted;
  wanted.certified.snp = 24;
  const Verification found = judge(wanted);
  CHECK(stage_of(found, "snp.tcb").expected == "bootloader 4, TEE 0, SNP 24, microcode 213");
  CHECK(stage_of(found, "snp.tcb").seen == "bootloader 4, TEE 0, SNP 23, microcode 213");
  CHECK(stage_of(found, "snp.signature").outcome == StageOutcome::not_run);
  REQUIRE(found.error);
  CHECK(found.error->code() == Errc::untrusted);
  CHECK_FALSE(found.facts);
}

TEST_CASE("no bit of the signed part or the signature may change")
{
  const Platform platform = make_platform({});
  const Bytes good = platform.sign(unsigned_report());
  for (std::size_t at = 0; at < good.size(); ++at) {
    CAPTURE(at);
    Bytes bad = good;
    bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0x10U);
    const Verification found = verify(bad, platform.certificates, platform.anchors, now);
    CHECK(found.error);
  }
}

TEST_CASE("only AMD's pinned keys are a root")
{
  const Platform platform = make_platform({});
  const Bytes report = platform.sign(unsigned_report());
  const Verification found = verify(report, platform.certificates, amd_anchors(), now);
  CHECK(failed_stage(found) == "snp.root"); // a root of the same name with another key
  Certificates quiet = platform.certificates;
  quiet.ark.clear();
  CHECK(failed_stage(verify(report, quiet, amd_anchors(), now)) != "");
  CHECK_FALSE(verify(report, quiet, platform.anchors, now).error);
  CHECK(failed_stage(verify(report, quiet, {}, now)) == "snp.root");
}

TEST_CASE("without a revocation list revocation is not judged; without certificates nothing is")
{
  const Platform platform = make_platform({});
  const Bytes report = platform.sign(unsigned_report());
  Certificates some = platform.certificates;
  some.crl.clear();
  const Verification found = verify(report, some, platform.anchors, now);
  REQUIRE(found.facts);
  CHECK_FALSE(found.facts->revocation_checked);
  CHECK(stage_of(found, "snp.revocation").outcome == StageOutcome::not_run);
  const Verification none = verify(report, {}, platform.anchors, now);
  REQUIRE(none.error);
  CHECK(none.error->code() == Errc::not_found);
}

TEST_CASE("a hidden chip id is not compared; what weakens a guest is flagged; TCBs that differ")
{
  const Verification hidden = judge({}, changed(0x1a0, std::string(128, '0')));
  REQUIRE(hidden.facts);
  CHECK(stage_of(hidden, "snp.chip-id").outcome == StageOutcome::not_run);
  const Verification weak = judge({}, changed(0x008, "00000c04"));
  REQUIRE(weak.facts);
  CHECK(weak.facts->flags == std::vector<std::string>{"debug", "migratable", "policy-reserved"});
  for (const std::size_t at : std::initializer_list<std::size_t>{0x038, 0x1e0, 0x1f0}) {
    const Verification old = judge({}, changed(at, "04000000000018d5"));
    REQUIRE(old.facts);
    CHECK(old.facts->tcb_status == "OutOfDate");
  }
}

TEST_CASE("Turin has its own TCB layout and short chip ids; a wrapped hwID is read as well")
{
  Wanted turin;
  turin.product = Product::turin;
  turin.product_name = "Turin-B0";
  turin.certified = {2, 3, 4, 77, 1};
  turin.hwid = Bytes(8, 0xaa);
  turin.hwid_wrapped = true;
  Bytes report = changed(0x188, "1a0201");
  put(report, 0x1a0, *parse_hex(std::string(16, 'a') + std::string(112, '0')));
  for (const std::size_t at : std::initializer_list<std::size_t>{0x038, 0x180, 0x1e0, 0x1f0})
    put(report, at, *parse_hex("010203040000004d"));
  const Verification found = judge(turin, report);
  INFO((found.error ? found.error->message() : ""));
  REQUIRE(found.facts);
  CHECK(to_text(found.facts->tcb) == "FMC 1, bootloader 2, TEE 3, SNP 4, microcode 77");
  put(report, 0x1df, *parse_hex("01"));
  CHECK(failed_stage(judge(turin, report)) == "snp.chip-id");
}

TEST_CASE("certificates are told apart by their names")
{
  const Certificates all = make_platform({}).certificates;
  const auto sorted = sort_certificates({all.ark, all.vcek, all.ask});
  REQUIRE(sorted);
  CHECK(sorted->vcek == all.vcek);
  CHECK(sorted->ask == all.ask);
  CHECK(sorted->ark == all.ark);
  CHECK_FALSE(sort_certificates({all.vcek, all.vcek}));
  CHECK_FALSE(sort_certificates({all.vcek, Bytes{0x30}}));
  Wanted cloud;
  cloud.vcek_name = "SEV-VLEK";
  CHECK(sort_certificates({make_platform(cloud).certificates.vcek}).error().code() ==
        Errc::unsupported);
}

TEST_CASE("a report of a real Milan verifies against AMD's root")
{
  if (!std::filesystem::exists(vectors())) {
    MESSAGE("not run: no vectors at " << vectors().string());
    return;
  }
  // V0 attestation as hex in JSON: 00, variant 3, SCALE length 8112, then the report
  const std::string json = slurp(vectors() / "sev-snp-attestation.json");
  constexpr std::string_view head = "00038112";
  const std::size_t at = json.find(head);
  REQUIRE(at != std::string::npos);
  const Bytes report = *parse_hex(std::string_view{json}.substr(at + head.size(), 2 * report_size));
  const auto pem = [](const char* name) {
    const std::string text = slurp(vectors() / name);
    return *x509::first_certificate(as_bytes(text));
  };
  const Certificates certificates =
      *sort_certificates({pem("sev_snp_ask.pem"), pem("sev_snp_vcek.pem")});
  constexpr std::int64_t july_2026 = 1'782'900'000;
  const Verification found = verify(report, certificates, amd_anchors(), july_2026);
  INFO((found.error ? found.error->message() : ""));
  REQUIRE(found.facts);
  CHECK(found.facts->product_name == "Milan-B0");
  CHECK(found.facts->tcb_status == "OutOfDate"); // the host reports SNP 23, runs 24
  CHECK(to_text(found.facts->tcb) == "bootloader 4, TEE 0, SNP 23, microcode 213");
  CHECK(hex(found.facts->report.measurement).starts_with("7f51e17f72a04d54"));
  CHECK(found.facts->flags.empty());
  for (std::size_t i = 0; i < report.size(); i += 7) {
    CAPTURE(i);
    Bytes bad = report;
    bad[i] = static_cast<std::uint8_t>(bad[i] ^ 1U);
    CHECK(verify(bad, certificates, amd_anchors(), july_2026).error);
  }
  CHECK(failed_stage(verify(report, certificates, amd_anchors(), 1'700'000'000)) == "snp.validity");
}
