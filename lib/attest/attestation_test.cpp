#include "attest/attestation.hpp"
#include "base/test_vectors.hpp"

#include "attest/msgpack.hpp"
#include "attest/scale.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {
namespace {

std::filesystem::path vectors()
{
  return test_vectors() / "attest";
}

std::string why(ByteView raw)
{
  const auto parsed = parse_attestation(raw);
  return parsed ? "accepted" : parsed.error().message();
}

/// spec guest 21.5, with the event's digest left out: its example has one of two bytes, which no
/// register could be extended with.
std::string v1_hex()
{
  return "83a776657273696f6e01a8706c6174666f726d82a46b696e64a3746478a46461746182a571756f746593"
         "0102ccc8a96576656e745f6c6f679185a3696d7203aa6576656e745f74797065ce08000001a6646967657374"
         "c400a56576656e74a66170702d6964ad6576656e745f7061796c6f6164c402deada5737461636b82a46b696e"
         "64a664737461636ba46461746183ab7265706f72745f64617461dc0040" +
         std::string(128, '0') +
         "ae72756e74696d655f6576656e74739183a56576656e74a66170702d6964a77061796c6f6164c402deada7"
         "76657273696f6e02a6636f6e666967a27b7d";
}

/// An attestation V1 around the hex of a platform's and a stack's map.
std::string why_v1(std::string_view platform, std::string_view stack)
{
  return why(
      concat({MsgpackWriter{}.map(3).text("version").number(1).text("platform").take(),
              *parse_hex(platform), MsgpackWriter{}.text("stack").take(), *parse_hex(stack)}));
}

MsgpackWriter kind(std::string_view name, std::size_t members)
{
  MsgpackWriter out;
  out.map(2).text("kind").text(name).text("data").map(members);
  return out;
}

std::string tdx_platform()
{
  return hex(kind("tdx", 2).text("quote").bin({}).text("event_log").array(0).take());
}

MsgpackWriter stack_of(std::string_view name, std::size_t more)
{
  MsgpackWriter out = kind(name, 3 + more);
  out.text("report_data").bin(Bytes(64, 0)).text("runtime_events").array(0).text("config").text("");
  return out;
}

/// SCALE of an attestation from GCP: a TDX quote, a TPM quote of that platform, one event.
Bytes gcp_v0(std::uint8_t tpm_platform)
{
  ScaleWriter out;
  out.u8(0).u8(1).bytes(Bytes{1, 2}).count(0);
  out.bytes(Bytes{3}).bytes(Bytes{4}).count(1).u32(14).text("sha256").bytes(Bytes(32, 5));
  out.bytes(Bytes{6}).u8(tpm_platform).count(1).u32(2).bytes(Bytes(32, 7));
  out.count(1).text("app-id").bytes(Bytes{8}).fixed(Bytes(64, 9)).text("{}");
  return out.take();
}

} // namespace

TEST_SUITE("attest::attestation")
{
  TEST_CASE("V1 reads and writes the bytes of the specification")
  {
    const Bytes raw = *parse_hex(v1_hex());
    const auto a = parse_attestation(raw);
    REQUIRE_MESSAGE(a, why(raw));
    CHECK(a->platform == Platform::tdx);
    CHECK(a->quote == Bytes{1, 2, 0xc8});
    REQUIRE(a->event_log.size() == 1);
    CHECK(a->event_log[0].type == runtime_event_type);
    CHECK(a->event_log[0].payload == Bytes{0xde, 0xad});
    REQUIRE(a->runtime_events.size() == 1);
    CHECK(a->runtime_events[0].version == EventVersion::v2);
    CHECK(a->config == "{}");
    CHECK(hex(encode(*a)) == v1_hex());
  }

  TEST_CASE("trap 11: byte strings are read from arrays of numbers and from binary alike")
  {
    std::string text = v1_hex();
    const std::string numbers = "930102ccc8";
    text.replace(text.find(numbers), numbers.size(), "c4030102c8");
    const auto a = parse_attestation(*parse_hex(text));
    REQUIRE(a);
    CHECK(a->quote == Bytes{1, 2, 0xc8});
  }

  TEST_CASE("V0 writes compact lengths and reads them back")
  {
    Attestation a;
    a.quote = Bytes(100, 7);
    a.event_log.push_back({3, runtime_event_type, crypto::sha384({}), "app-id", {1}, {}, {}});
    a.runtime_events = {{"app-id", {1}}};
    a.report_data.fill(9);
    a.config = std::string(20'000, ' ') + "{}";
    const Bytes raw = encode(a);
    CHECK(raw[0] == 0);
    const auto back = parse_attestation(raw);
    REQUIRE(back);
    CHECK(back->quote == a.quote);
    CHECK(back->event_log[0].digest == a.event_log[0].digest);
    CHECK(back->runtime_events == a.runtime_events);
    CHECK(back->config == a.config);
    CHECK(encode(*back) == raw);
    // The empty object of the specification (guest 12.4).
    Attestation empty;
    CHECK(hex(encode(empty)) == "0000000000" + std::string(128, '0') + "00");
  }

  TEST_CASE("hostile blobs are refused")
  {
    CHECK(why({}) == "empty attestation");
    CHECK(why(Bytes{0x10}).find("starts with 0x10") != std::string::npos);
    CHECK(why(Bytes{0, 9}).find("quote variant 9") != std::string::npos);
    CHECK(why(Bytes{0, 0, 0xfe, 0xff, 0xff, 0xff}).find("quote") != std::string::npos);
    CHECK(why(Bytes{0, 0, 0x01, 0x00}).find("shortest form") != std::string::npos);
    Bytes raw = *parse_hex(v1_hex());
    raw.push_back(0);
    CHECK(why(raw) != "accepted");
    CHECK(why(*parse_hex("82a776657273696f6e01a776657273696f6e01")).find("twice") !=
          std::string::npos);
    CHECK(why(*parse_hex("81a1" + hex(as_bytes("x")) + "dfffffffff")) != "accepted");
    for (std::size_t n = 0; n < raw.size() - 1; ++n)
      CHECK(why(ByteView{raw}.first(n)) != "accepted");
  }

  TEST_CASE("a V1 map without a member that its kind has is refused by name")
  {
    const std::string stack = hex(stack_of("dstack", 0).take());
    CHECK(why_v1(tdx_platform(), stack) == "accepted");
    const auto no = [](std::string_view member) { return fmt::format("no '{}'", member); };
    const auto refused = [&](const std::string& platform, const std::string& rest,
                             std::string_view reason) {
      const std::string text = why_v1(platform, rest);
      CHECK_MESSAGE(text.find(reason) != std::string::npos, text);
    };
    refused(hex(MsgpackWriter{}.map(1).text("kind").text("tdx").take()), stack, no("data"));
    refused(hex(kind("tdx", 1).text("quote").bin({}).take()), stack, no("event_log"));
    refused(hex(kind("sev-snp", 1).text("report").bin({}).take()), stack, no("cert_chain"));
    refused(hex(kind("tpm", 0).take()), stack, "unknown platform 'tpm'");
    refused(hex(MsgpackWriter{}.map(2).text("data").nil().text("kind").text("tdx").take()), stack,
            "before its kind");
    refused(tdx_platform(), hex(MsgpackWriter{}.map(0).take()), no("kind"));
    refused(tdx_platform(), hex(kind("dstack", 0).take()), no("report_data"));
    refused(tdx_platform(), hex(stack_of("docker", 0).take()), "unknown stack 'docker'");
    refused(tdx_platform(), hex(stack_of("dstack-pod", 0).take()), no("report_data_payload"));
    refused(hex(kind("tdx", 2)
                    .text("quote")
                    .bin({})
                    .text("event_log")
                    .array(1)
                    .map(1)
                    .text("imr")
                    .number(3)
                    .take()),
            stack, no("event_type"));
    CHECK(why(*parse_hex("81a776657273696f6e02")).find("version 2") != std::string::npos);
    // A member that only the other kind of stack has says nothing here.
    CHECK(why_v1(tdx_platform(),
                 hex(stack_of("dstack", 1).text("report_data_payload").text("x").take())) ==
          "accepted");
  }

  TEST_CASE("platforms that cannot be judged here are read all the same")
  {
    const auto gcp = parse_attestation(gcp_v0(1));
    REQUIRE(gcp);
    CHECK(gcp->platform == Platform::gcp_tdx);
    CHECK(gcp->quote == Bytes{1, 2});
    REQUIRE(gcp->runtime_events.size() == 1);
    CHECK(gcp->config == "{}");
    CHECK(why(gcp_v0(4)).find("TPM quote: platform 4") != std::string::npos);
    const Bytes raw = gcp_v0(1);
    for (std::size_t n = 0; n < raw.size(); ++n)
      CHECK(why(ByteView{raw}.first(n)) != "accepted");

    const std::string stack = hex(stack_of("dstack", 0).take());
    CHECK(why_v1(hex(kind("gcp-tdx", 3)
                         .text("quote")
                         .bin({})
                         .text("event_log")
                         .array(0)
                         .text("tpm_quote")
                         .map(1)
                         .text("message")
                         .bin(Bytes(300, 1))
                         .take()),
                 stack) == "accepted");
    CHECK(why_v1(hex(kind("nitro-enclave", 1).text("nsm_quote").numbers(Bytes{1}).take()), stack) ==
          "accepted");
    CHECK(why_v1(hex(kind("aws-nitro-tpm", 1).text("attestation_doc").bin(Bytes{1}).take()),
                 stack) == "accepted");
    for (const Platform platform : {Platform::nitro_enclave, Platform::aws_nitro_tpm}) {
      ScaleWriter out;
      out.u8(0)
          .u8(static_cast<std::uint8_t>(platform))
          .bytes(Bytes{1})
          .count(0)
          .fixed(Bytes(64, 0))
          .text("");
      CHECK(why(out.take()) == "accepted");
    }
  }

  TEST_CASE("the VM's configuration is unwrapped from a whole sys-config")
  {
    Attestation a;
    CHECK(*vm_config_of(a) == "{}");
    a.config = R"({"cpu_count":1})";
    CHECK(*vm_config_of(a) == a.config);
    a.config = R"({"kms_urls":[],"vm_config":"{\"cpu_count\": 2}"})";
    CHECK(*vm_config_of(a) == R"({"cpu_count": 2})");
    a.config = "{";
    CHECK_FALSE(vm_config_of(a));
  }

  TEST_CASE("report data of a pod is the hash of its payload")
  {
    Attestation a;
    a.app_data = "hello";
    a.report_data = crypto::sha512(as_bytes("app-data:hello"));
    CHECK(parse_attestation(encode(a)));
    a.report_data[0] ^= 1U;
    CHECK(why(encode(a)).find("not the hash") != std::string::npos);
  }

  TEST_CASE("the published attestations read, replay and write back unchanged")
  {
    if (!std::filesystem::exists(vectors())) {
      MESSAGE("not run: no vectors at " << vectors().string());
      return;
    }
    const std::string raw = slurp(vectors() / "attestation.bin");
    const auto a = parse_attestation(as_bytes(raw));
    REQUIRE_MESSAGE(a, why(as_bytes(raw)));
    CHECK(a->quote.size() == 5010);
    CHECK(a->event_log.size() == 33);
    CHECK(encode(*a) == to_bytes(raw));
    CHECK(hex(*replay(a->event_log, 3)) ==
          "f28a1490ee924e9396c2ccf2d93ad536b83cbe159a1d45024d1fd7acdcc102145efcfcd0cfa209416446c702"
          "26affadf");
    const codec::Json config = *codec::parse_json(*vm_config_of(*a));
    CHECK(*config.need_string("os_image_hash") ==
          "e61be43dd1cc6a6f5edefd7c51b608983780839b0000ce60dd99737dcffe09b9");

    const auto snp_json = *codec::parse_json(slurp(vectors() / "sev-snp-attestation.json"));
    const auto snp = parse_attestation(*parse_hex(*snp_json.need_string("attestation")));
    REQUIRE(snp);
    CHECK(snp->platform == Platform::amd_sev_snp);
    CHECK(snp->quote.size() == 1184);
    CHECK(snp->certificates.size() == 2);
    CHECK(snp->runtime_events.size() == 9);
  }
}

} // namespace dstack::attest
