#include "crypto/random.hpp"
#include "dcap/verify.hpp"
#include "sys/test_directory.hpp"
#include "tee/sim_guest.hpp"
#include "tee/sim_host.hpp"
#include "tee/sim_trust.hpp"
#include "tee/tdx_guest.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dstack::tee {
namespace {

namespace fs = std::filesystem;
constexpr Time now{1'795'000'000'000};

measure::BootMeasurement sample_boot()
{
  measure::BootMeasurement boot;
  boot.mrtd.fill(0xaa);
  boot.rtmr[0].fill(1);
  boot.rtmr[1].fill(2);
  boot.rtmr[2].fill(3);
  return boot;
}

/// The quote verifies in full, with the collateral of this directory and under its root alone.
void check_quote(ByteView raw, const fs::path& directory)
{
  const auto trust = read_sim_trust(directory);
  REQUIRE(trust);
  REQUIRE(trust->has_value());
  const auto collateral = dcap::collateral_from_json((*trust)->collateral);
  REQUIRE(collateral);
  auto anchor = dcap::Anchor::from_file((*trust)->root);
  REQUIRE(anchor);
  CHECK(anchor->vendor() == dcap::simulated_vendor);
  dcap::Verifier verifier{*std::move(anchor)};
  const auto found = verifier.verify(raw, *collateral, now.seconds());
  INFO((found.error ? found.error->message() : ""));
  REQUIRE(found.report);
  CHECK(found.report->tcb.status == dcap::TcbStatus::up_to_date);
  CHECK(dcap::attribute_flags(found.report->quote).empty());
  dcap::Verifier intel{dcap::Anchor::intel()};
  CHECK_FALSE(intel.verify(raw, *collateral, now.seconds()).report);
}

} // namespace

TEST_SUITE("tee")
{
  TEST_CASE("the simulated TEE's quote verifies up to its own root and to no other")
  {
    const sys::TestDirectory dir;
    const auto authority = SimAuthority::open(dir.path / "a", now);
    REQUIRE(authority);
    SimTee host{*SimAuthority::open(dir.path / "a", now), sample_boot(), Bytes(48, 9)};
    const auto guest = make_simulated([&](std::string_view method, const codec::Json& params) {
      return host.handle(method, params);
    });
    CHECK(guest->simulated());
    CHECK(guest->boot()->registers.mrtd == sample_boot().mrtd);
    const crypto::Sha384Digest digest = crypto::sha384(as_bytes("event"));
    REQUIRE(guest->extend(3, digest));
    CHECK(guest->extend(0, digest).error().code() == Errc::denied);
    ReportData data{};
    data.fill(0x77);
    const auto raw = guest->quote(data);
    REQUIRE(raw);
    check_quote(*raw, dir.path / "a");
    const auto quote = *dcap::parse_quote(*raw);
    attest::Register expected;
    expected.extend(digest);
    CHECK(quote.td.rtmr[3] == expected.value());
    CHECK(quote.td.report_data == data);
    CHECK((quote.td.td_attributes[0] & 1U) == 0);
    const auto other = SimAuthority::open(dir.path / "b", now);
    REQUIRE(other);
    const auto elsewhere = **read_sim_trust(dir.path / "b");
    dcap::Verifier verifier{*dcap::Anchor::from_file(elsewhere.root)};
    const auto collateral = *dcap::collateral_from_json(elsewhere.collateral);
    CHECK(verifier.verify(*raw, collateral, now.seconds()).reached == dcap::Stage::pck_chain);
    host.reset();
    CHECK(host.registers().rtmr[3] == crypto::Sha384Digest{});
  }

  TEST_CASE("sealing keys come back for the same instance only, and files are the owner's")
  {
    const sys::TestDirectory dir;
    const auto first = SimAuthority::open(dir.path / "a", now);
    const auto again = SimAuthority::open(dir.path / "a", now);
    REQUIRE(again);
    const auto key = [](const SimAuthority& from, const char* app, const char* instance) {
      return hex(from.sealing_key(app, instance).view());
    };
    CHECK(key(*first, "aa", "bb") == key(*again, "aa", "bb"));
    CHECK(key(*first, "aa", "bb") != key(*first, "aa", "bc"));
    CHECK(key(*first, "aa", "bb") != key(*first, "ab", "bb"));
    struct stat info {};
    REQUIRE(::stat((dir.path / "a/root.key").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
    REQUIRE(::stat((dir.path / "a").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0700U);
    SimTee host{*SimAuthority::open(dir.path / "a", now), sample_boot(), Bytes(48, 9)};
    CHECK(host.handle("Tee.Format", {}).error().code() == Errc::unsupported);
    CHECK(!host.handle("Tee.Quote", codec::Json{}.set("report_data", "00")));
  }

  // Over a real stand-in of the kernel's files: tests/tdx.
  TEST_CASE("TDX without its files names all that is missing; another provider is refused")
  {
    const sys::TestDirectory dir;
    const fs::path entry = dir.path / "report/com.intel.dcap";
    const TdxPaths paths{dir.path / "tdx_guest", dir.path / "measurements", entry,
                         dir.path / "CCEL", dir.path / "tdx-attest.conf"};
    const auto nothing = make_tdx(paths);
    REQUIRE(!nothing);
    CHECK(nothing.error().code() == Errc::not_found);
    for (const char* part : {"load tdx_guest", "mount configfs", "RTMRs cannot be extended"})
      CHECK(nothing.error().message().find(part) != std::string::npos);
    for (const fs::path& folder : {paths.measurements, entry})
      REQUIRE(sys::make_directories(folder, sys::Privacy::shared));
    const auto put = [](const fs::path& path, std::string_view text) {
      REQUIRE(sys::write_file_atomic(path, as_bytes(text), sys::Privacy::shared));
    };
    put(paths.device, "");
    put(entry / "provider", "sev_guest\n");
    CHECK(make_tdx(paths).error().code() == Errc::unsupported);
    put(entry / "provider", "tdx_guest\n");
    const auto tdx = make_tdx(paths);
    REQUIRE(tdx);
    CHECK(!(*tdx)->sealing_key("a", "b")->has_value());
    CHECK((*tdx)->provider_root()->vendor() == "Intel");
    put(entry / "generation", "4\n");
    put(entry / "inblob", "");
    put(entry / "outblob", "quote");
    CHECK((*tdx)->quote(ReportData{}).error().message().find("generation 4, 4, 4") !=
          std::string::npos);
    CHECK(sys::read_file(entry / "inblob", 100)->size() == 64);
  }
}

} // namespace dstack::tee
