#include "kms/boot_info.hpp"

#include "kms/test_result.hpp"
#include "verify/proven.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::kms;
using test::why;

namespace {

/// The boot of spec kms 20.6.
std::vector<attest::RuntimeEvent> whole_boot()
{
  return {{"system-preparing", {}},
          {"app-id", Bytes(20, 0xa1)},
          {"compose-hash", Bytes(32, 0xc1)},
          {"instance-id", Bytes(20, 0xb2)},
          {"boot-mr-done", {}},
          {"os-image-hash", Bytes(32, 0xf1)},
          {"key-provider", to_bytes(R"({"name":"kms","id":"aabb"})")},
          {"storage-fs", to_bytes("zfs")},
          {"system-ready", {}}};
}

/// Its registers, RTMR3 as the events give it.
ProvenTdx proven_tdx()
{
  ProvenTdx out;
  out.registers.mrtd.fill(1);
  for (std::uint8_t i = 0; i < 3; ++i)
    out.registers.rtmr.at(i).fill(static_cast<std::uint8_t>(i + 2));
  out.events = whole_boot();
  attest::Register rtmr3;
  for (const attest::RuntimeEvent& event : out.events)
    rtmr3.extend(attest::digest_of(event));
  out.registers.rtmr[3] = rtmr3.value();
  out.ppid = Bytes(16, 0x77);
  return out;
}

constexpr std::string_view mr_config =
    R"({"app_id":"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","compose_hash":"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1","instance_id":"b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2","key_provider":"kms","version":3})";

ProvenSnp proven_snp()
{
  ProvenSnp out;
  out.measurement.fill(0x5a);
  out.mr_config = mr_config;
  out.host_data = attest::mr_config_v3_hash(out.mr_config);
  out.chip_id.fill(0x33);
  return out;
}

const ProvenStatus up_to_date{"UpToDate", {}, false};

void rename(std::vector<attest::RuntimeEvent>& events, std::string_view name, Bytes payload)
{
  for (attest::RuntimeEvent& event : events)
    if (event.name == name) event.payload = payload;
}

} // namespace

TEST_SUITE("kms::boot_info_of")
{
  TEST_CASE("a whole boot gives the JSON of the specification, byte for byte")
  {
    BootInfo info = *boot_info_of(proven_tdx(), up_to_date, Bytes(32, 0xf1), Replay::whole);
    CHECK(info.device_id == to_bytes(crypto::sha256(Bytes(16, 0x77))));
    info.device_id = Bytes(32, 0xd1); // a digest nobody knows a PPID of
    const auto times = [](const char* byte, int count) {
      std::string out;
      for (int i = 0; i < count; ++i)
        out += byte;
      return out;
    };
    // spec kms 20.6
    CHECK(
        to_text(info) ==
        R"({"teeVariant":"dstack-tdx","mrAggregated":"8c211536c2a71cb3f34427a1ca44f877af57bbf32e3e9bb795ec880c3db3b38f","osImageHash":")" +
            times("f1", 32) +
            R"(","mrSystem":"70c955b59735934d5cd07fc31de680f9c438e013f5579532cdf59024ace07470","appId":")" +
            times("a1", 20) + R"(","composeHash":")" + times("c1", 32) + R"(","instanceId":")" +
            times("b2", 20) + R"(","deviceId":")" + times("d1", 32) +
            R"(","keyProviderInfo":"7b226e616d65223a226b6d73222c226964223a2261616262227d","tcbStatus":"UpToDate","advisoryIds":[]})");
  }

  TEST_CASE("boot-time mode stops at boot-mr-done and knows no key provider")
  {
    const BootInfo info =
        *boot_info_of(proven_tdx(), up_to_date, Bytes(32, 0xf1), Replay::to_boot_mr_done);
    CHECK(hex(info.mr_aggregated) ==
          "b03dbceafa48c4679ec5049bf67bf447392a3dcc00f157aa6568d14dd3ed3c6b");
    CHECK(hex(info.mr_system) ==
          "277dd3f55ca5f00d78b6df04104ca9e04ad17b871128e38808abc9f6b86faf31");
    CHECK(info.key_provider_info.empty());
    CHECK(info.instance_id == Bytes(20, 0xb2));
  }

  TEST_CASE("a VM that asks before its key provider is measured has the boot-time values")
  {
    // spec kms 9.2: GetAppKey replays everything, SignCert to boot-mr-done; they must agree.
    ProvenTdx early = proven_tdx();
    early.events.resize(5);
    early.registers.rtmr[3] = attest::replay_boot(early.events);
    const auto whole = *boot_info_of(early, up_to_date, {}, Replay::whole);
    const auto boot = *boot_info_of(proven_tdx(), up_to_date, {}, Replay::to_boot_mr_done);
    CHECK(to_text(whole) == to_text(boot));
  }

  TEST_CASE("the three config ids count when one is set")
  {
    ProvenTdx proven = proven_tdx();
    proven.registers.mr_config_id[0] = 1;
    std::fill_n(proven.registers.mr_config_id.begin() + 1, 32, std::uint8_t{0xc1});
    CHECK(hex(boot_info_of(proven, up_to_date, {}, Replay::to_boot_mr_done)->mr_aggregated) ==
          "f765f619c12e028ec3e4e87138dfd68473ebc094e08ff810ce30962b28d05e79"); // spec kms 20.6
  }

  TEST_CASE("trap 5: app ids of 19 or 21 bytes and instance ids of 19 or 21 are refused")
  {
    for (const std::size_t size : {0U, 19U, 21U, 32U}) {
      CAPTURE(size);
      ProvenTdx proven = proven_tdx();
      rename(proven.events, "app-id", Bytes(size, 0xa1));
      CHECK(why(boot_info_of(proven, up_to_date, {}, Replay::whole)) != "accepted");
      proven = proven_tdx();
      rename(proven.events, "instance-id", Bytes(size, 0xb2));
      CHECK((why(boot_info_of(proven, up_to_date, {}, Replay::whole)) == "accepted") ==
            (size == 0));
    }
  }

  TEST_CASE("events that name no app, or name it twice, are refused")
  {
    ProvenTdx proven = proven_tdx();
    proven.events.erase(proven.events.begin() + 1);
    CHECK(why(boot_info_of(proven, up_to_date, {}, Replay::whole)) ==
          "the event log has no 'app-id'");
    proven = proven_tdx();
    proven.events.insert(proven.events.begin() + 2, {"app-id", Bytes(20, 0xee)});
    CHECK(why(boot_info_of(proven, up_to_date, {}, Replay::whole)).find("twice") !=
          std::string::npos);
    proven = proven_tdx();
    proven.ppid.clear(); // its digest would be one device for everybody
    CHECK(why(boot_info_of(proven, up_to_date, {}, Replay::whole)).find("PPID") !=
          std::string::npos);
  }

  TEST_CASE("an SNP guest has the aggregates of the specification and a 32-byte device id")
  {
    const ProvenSnp proven = proven_snp();
    CHECK(hex(proven.host_data) ==
          "19df342368a43704fa76b9d970da9e8f6313b067dd7008169dcfef12974e62ce");
    const BootInfo info = *boot_info_of(proven, up_to_date, Bytes(32, 0xf1));
    CHECK(hex(info.mr_system) ==
          "703050031d4f77c9d540a36b149c5508bd98d09eafd162ff6b9ae9a791f91998");
    CHECK(hex(info.mr_aggregated) ==
          "8c93d4a609964e8257883c18a0820937233edc8385650c54c41eeac2a80a04f2");
    CHECK(info.tee_variant == "dstack-amd-sev-snp");
    CHECK(info.device_id == to_bytes(crypto::sha256(Bytes(64, 0x33))));
    CHECK(as_text(info.key_provider_info) == R"({"name":"kms","id":""})");
  }

  TEST_CASE("trap 6: an SNP guest whose document names no app gets nothing")
  {
    ProvenSnp proven = proven_snp();
    proven.mr_config =
        R"({"compose_hash":"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1","key_provider":"kms","version":3})";
    proven.host_data = attest::mr_config_v3_hash(proven.mr_config);
    CHECK(why(boot_info_of(proven, up_to_date, {})) == "MR_CONFIG document: no app_id");
    proven.mr_config.clear();
    CHECK(why(boot_info_of(proven, up_to_date, {})).find("no MR_CONFIG") != std::string::npos);
  }

  TEST_CASE("a document that HOST_DATA does not bind is refused, a hidden chip is no device")
  {
    ProvenSnp proven = proven_snp();
    proven.host_data[0] ^= 1U;
    CHECK(why(boot_info_of(proven, up_to_date, {})).find("HOST_DATA") != std::string::npos);
    proven = proven_snp();
    proven.chip_id = {};
    CHECK(boot_info_of(proven, up_to_date, {})->device_id.empty());
  }
}

TEST_SUITE("kms::boot_info_of_proven")
{
  TEST_CASE("what verification hands over makes the same BootInfo, and nothing proven makes none")
  {
    const ProvenTdx tdx = proven_tdx();
    verify::Proven proven;
    CHECK(why(boot_info_of_proven(proven, "", Replay::whole)) ==
          "nothing is proven about the caller");
    proven.registers = tdx.registers;
    proven.events = tdx.events;
    proven.subject.platform_id = tdx.ppid;
    proven.subject.tcb_status = "UpToDate";
    proven.vm_config = R"({"os_image_hash":")" + std::string(64, 'f') + R"("})";
    CHECK(*boot_info_of_proven(proven, "", Replay::whole) ==
          *boot_info_of(tdx, up_to_date, Bytes(32, 0xff), Replay::whole));
    CHECK(boot_info_of_proven(proven, "{}", Replay::whole)->os_image_hash.empty());
    proven = {};
    proven.platform = attest::Platform::amd_sev_snp;
    CHECK(why(boot_info_of_proven(proven, "", Replay::whole)) ==
          "nothing is proven about the caller");
    const ProvenSnp snp = proven_snp();
    proven.measurement = to_bytes(ByteView{snp.measurement});
    proven.host_data = to_bytes(ByteView{snp.host_data});
    proven.subject.platform_id = to_bytes(ByteView{snp.chip_id});
    proven.mr_config = snp.mr_config;
    CHECK(boot_info_of_proven(proven, "", Replay::whole)->device_id ==
          to_bytes(crypto::sha256(snp.chip_id)));
    proven.platform = attest::Platform::gcp_tdx;
    CHECK(boot_info_of_proven(proven, "", Replay::whole).error().code() == Errc::unsupported);
  }
}

TEST_SUITE("kms::claimed_image_hash")
{
  const std::string hash(64, '7');
  const std::string config = R"({"os_image_hash":")" + hash + R"(","cpu_count":2})";

  TEST_CASE("the request's vm_config counts, else the attestation's; a sys-config is unwrapped")
  {
    const Bytes want(32, 0x77);
    CHECK(*claimed_image_hash(config, "{}") == want);
    CHECK(*claimed_image_hash("", config) == want);
    CHECK(claimed_image_hash("{}", config)->empty());
    CHECK(claimed_image_hash("", "")->empty());
    const std::string wrapped =
        codec::write_json(codec::Json::object().set("vm_config", config).set("kms_urls", 1));
    CHECK(*claimed_image_hash(wrapped, "") == want);
    CHECK(*claimed_image_hash("", wrapped) == want);
    CHECK(claimed_image_hash(R"({"vm_config":""})", config)->empty());
  }

  TEST_CASE("trap 11: hostile vm_config is refused within limits")
  {
    CHECK_FALSE(claimed_image_hash("[]", ""));
    CHECK_FALSE(claimed_image_hash("{", config));
    CHECK_FALSE(claimed_image_hash(R"({"os_image_hash":1})", ""));
    CHECK_FALSE(claimed_image_hash(R"({"os_image_hash":"77"})", ""));
    CHECK_FALSE(claimed_image_hash(R"({"os_image_hash":"zz"})", ""));
    CHECK_FALSE(claimed_image_hash(std::string(100, '['), ""));
    CHECK_FALSE(claimed_image_hash(std::string((1U << 20U) + 1, ' '), ""));
  }
}

TEST_SUITE("kms::boot_info_from_json")
{
  TEST_CASE("what was written reads back, with what is ours only from a record")
  {
    BootInfo info = *boot_info_of(proven_tdx(), {"OutOfDate", {"INTEL-SA-1"}, true},
                                  Bytes(32, 0xf1), Replay::whole);
    CHECK(*boot_info_from_json(to_record(info)) == info);
    CHECK(to_text(info).find("simulated") == std::string::npos);
    CHECK(to_text(info).find("mrtd") == std::string::npos);
    info.simulated = false;
    info.registers.clear();
    CHECK(*boot_info_from_json(to_json(info)) == info);
    CHECK(*boot_info_from_json(to_json(info).set("appId", "0x" + hex(info.app_id))) == info);
  }

  TEST_CASE("trap 24: short values are refused, never padded")
  {
    const codec::Json good =
        to_json(*boot_info_of(proven_tdx(), up_to_date, Bytes(32, 0xf1), Replay::whole));
    for (const char* key : {"appId", "composeHash", "mrAggregated", "mrSystem", "osImageHash",
                            "instanceId", "deviceId"}) {
      CAPTURE(key);
      codec::Json bad = good;
      bad.set(key, "00");
      CHECK_FALSE(boot_info_from_json(bad));
      bad.set(key, 1);
      CHECK_FALSE(boot_info_from_json(bad));
    }
    codec::Json none = good;
    none.set("appId", "");
    CHECK_FALSE(boot_info_from_json(none));
    CHECK_FALSE(boot_info_from_json(codec::Json{"text"}));
    none = good;
    CHECK_FALSE(boot_info_from_json(none.set("registers", "x")));
  }
}
