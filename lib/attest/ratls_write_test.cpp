#include "attest/ratls_write.hpp"

#include "attest/ratls.hpp"
#include "crypto/p256.hpp"
#include "x509/app_certificate.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {

namespace {

constexpr std::int64_t year_2030 = 1'893'456'000;

Attestation sample(EventVersion version)
{
  Attestation out;
  out.quote = Bytes(700, 7);
  const RuntimeEvent event{"app-id", Bytes(20, 1), version};
  out.runtime_events = {event};
  TdxEvent firmware{0, 10, Sha384Digest{}, "acpi-tables", to_bytes("ACPI DATA")};
  TdxEvent other{1, 3, Sha384Digest{}, "", Bytes(100, 9)};
  out.event_log = {firmware, other, to_tdx_event(event)};
  out.config = "{}";
  return out;
}

} // namespace

TEST_SUITE("attest::ratls_write")
{
  TEST_CASE("trap 11 and 13: app info is an array of nine in two OCTET STRINGs (spec guest 21.5)")
  {
    AppInfo info;
    info.app_id = Bytes(20, 0x11);
    info.compose_hash = Bytes(32, 0x22);
    info.instance_id = Bytes(20, 0x44);
    info.device_id = *parse_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    info.mr_system = Bytes(32, 0x55);
    info.mr_aggregated = Bytes(32, 0x66);
    info.os_image_hash = Bytes(32, 0x77);
    info.key_provider = R"({"name":"none","id":""})";
    const x509::Extension made = app_info_extension(info);
    CHECK(made.oid == "1.3.6.1.4.1.62397.1.9");
    CHECK_FALSE(made.critical);
    const std::string text = hex(made.value);
    CHECK(made.value.size() == 244);
    CHECK(text.starts_with("0481f1"
                           "99"
                           "c414" +
                           hex(Bytes(20, 0x11)) + "c420"));
    CHECK(text.ends_with("c4177b226e616d65223a226e6f6e65222c226964223a22227d90"));
    info.init_script_hashes = {Bytes(32, 8)};
    const auto back = parse_app_info(encode(info));
    REQUIRE(back);
    CHECK(back->os_image_hash == info.os_image_hash);
    CHECK(back->key_provider == info.key_provider);
    CHECK(back->init_script_hashes == info.init_script_hashes);
  }

  TEST_CASE("trap 11: app info of eight members is an older agent's, of seven nobody's")
  {
    Bytes raw = encode(AppInfo{});
    raw.pop_back(); // the empty list of script hashes
    raw[0] = 0x98;
    CHECK(parse_app_info(raw));
    raw[0] = 0x99;
    CHECK_FALSE(parse_app_info(raw)); // cut off
    raw.push_back(0xc0);              // nil: also no scripts
    CHECK(parse_app_info(raw));
    raw.push_back(0);
    CHECK_FALSE(parse_app_info(raw)); // something behind
    CHECK_FALSE(parse_app_info(*parse_hex("97c400c400c400c400c400c400c400")));
    CHECK_FALSE(parse_app_info(*parse_hex("9ac400c400c400c400c400c400c400c40090c0")));
  }

  TEST_CASE("the report data that binds a key (spec guest 21.4)")
  {
    Bytes spki(16);
    for (std::size_t i = 0; i < spki.size(); ++i)
      spki[i] = static_cast<std::uint8_t>(i);
    CHECK(hex(ratls_report_data(spki)) ==
          "f5905d52884c6eeb0e031a30257ed24880c44f3555fea13715135e05ee3071b8"
          "864cecc8f4157bccfe17cc47b54aa878dcb4c4553d1073eb55911532b9e6a9b4");
  }

  TEST_CASE("a certificate made here is read back whole")
  {
    const auto key = crypto::P256Key::generate();
    for (const EventVersion version : {EventVersion::v1, EventVersion::v2}) {
      const Attestation attestation = sample(version);
      x509::AppCertificateSpec spec;
      spec.subject.common_name = "x";
      spec.not_after = year_2030;
      spec.extensions = {app_id_extension(Bytes(20, 5)), usage_extension(usage_app),
                         attestation_extension(attestation)};
      const auto legacy = legacy_extensions(attestation);
      CHECK(legacy.size() == (version == EventVersion::v1 ? 2 : 0));
      spec.extensions.insert(spec.extensions.end(), legacy.begin(), legacy.end());
      const auto read = parse_ratls(*x509::make_app_certificate(spec, key.spki_der(), key));
      REQUIRE(read);
      CHECK(read->usage == "app:custom");
      CHECK(read->app_id == Bytes(20, 5));
      CHECK(read->attestation.quote == attestation.quote);
      CHECK(read->attestation.runtime_events == attestation.runtime_events);
      REQUIRE(read->attestation.event_log.size() == 2);
      CHECK(read->attestation.event_log[0].payload == to_bytes("ACPI DATA"));
      CHECK(read->attestation.event_log[1].digest.has_value());
    }
  }

  TEST_CASE("the marks of a certificate without an attestation can be read, too")
  {
    const auto key = crypto::P256Key::generate();
    x509::AppCertificateSpec spec;
    spec.not_after = year_2030;
    const auto plain = certificate_marks(*x509::make_app_certificate(spec, key.spki_der(), key));
    REQUIRE(plain);
    CHECK(plain->spki == key.spki_der());
    CHECK(plain->usage.empty());
    CHECK(plain->app_id.empty());
    CHECK_FALSE(plain->attested);
    spec.extensions = {app_id_extension(Bytes(20, 5)), usage_extension(usage_app_ca)};
    const auto marked = certificate_marks(*x509::make_app_certificate(spec, key.spki_der(), key));
    REQUIRE(marked);
    CHECK(marked->usage == usage_app_ca);
    CHECK(marked->app_id == Bytes(20, 5));
    spec.extensions = {{"1.3.6.1.4.1.62397.1.4", to_bytes("kms:rpc"), false}}; // wrapped once only
    CHECK_FALSE(certificate_marks(*x509::make_app_certificate(spec, key.spki_der(), key)));
  }

  TEST_CASE("trap 13: old verifiers find quote and log apart, and can replay them")
  {
    const auto key = crypto::P256Key::generate();
    x509::AppCertificateSpec spec;
    spec.not_after = year_2030;
    spec.extensions = legacy_extensions(sample(EventVersion::v1));
    const auto read = parse_ratls(*x509::make_app_certificate(spec, key.spki_der(), key));
    REQUIRE(read);
    CHECK(read->attestation.quote == Bytes(700, 7));
    CHECK(replay(read->attestation.event_log, runtime_register));
  }
}

} // namespace dstack::attest
