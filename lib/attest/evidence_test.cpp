#include "attest/evidence.hpp"
#include "base/test_vectors.hpp"

#include "x509/certificate.hpp"
#include "x509/der.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {
namespace {

std::string form_of(std::string_view file)
{
  const auto found = recognise(as_bytes(file));
  return found ? found->form : "refused: " + found.error().message();
}

/// A quote's header with that version and TEE type, and nothing behind it.
Bytes header(std::uint8_t version, std::uint8_t tee)
{
  Bytes out(48, 0);
  out[0] = version;
  out[2] = 2;
  out[4] = tee;
  const Bytes vendor = *parse_hex("939a7233f79c4ca9940a0db3957f0607");
  std::copy(vendor.begin(), vendor.end(), out.begin() + 12);
  return out;
}

Bytes wrapped(ByteView content)
{
  return x509::der::octet_string(content);
}

Bytes certificate_with(const std::vector<x509::Extension>& extensions)
{
  static const auto key = crypto::P256Key::generate();
  const x509::CertificateSpec spec{"app", "app", 1, 0, 2'000'000'000, {}, extensions};
  return *x509::make_certificate(spec, key.spki_der(), key);
}

} // namespace

TEST_SUITE("attest::evidence")
{
  TEST_CASE("a quote is known raw, in hex and in base64, whatever surrounds it")
  {
    const Bytes raw = header(4, 0x81);
    CHECK(form_of(as_text(raw)) == "TDX quote v4");
    CHECK(form_of(as_text(header(3, 0))) == "SGX quote v3");
    CHECK(form_of(hex(raw)) == "TDX quote v4, hex");
    CHECK(form_of(" \n0x" + hex(raw) + "\n") == "TDX quote v4, hex");
    CHECK(form_of(base64(raw) + "\n") == "TDX quote v4, base64");
    CHECK(form_of(R"({"quote":")" + hex(raw) + R"(","event_log":"[]"})") ==
          "TDX quote v4 in GetQuote JSON");
  }

  TEST_CASE("reports, attestations and their JSON are told apart")
  {
    Bytes report(1184, 0);
    report[0] = 2;
    CHECK(form_of(as_text(report)) == "SEV-SNP report");
    Attestation a;
    a.quote = header(4, 0x81);
    const Bytes blob = encode(a);
    CHECK(form_of(as_text(blob)) == "attestation V0");
    CHECK(form_of(R"({"attestation":")" + hex(blob) + R"("})") == "attestation V0 in JSON");
    a.runtime_events = {{"x", {}, EventVersion::v2}};
    CHECK(form_of(as_text(encode(a))) == "attestation V1");
  }

  TEST_CASE("certificates with the new extension, the old ones, or none")
  {
    Attestation a;
    a.quote = header(4, 0x81);
    const Bytes blob = encode(a);
    const Bytes fresh =
        certificate_with({{"1.3.6.1.4.1.62397.1.8", wrapped(blob), false},
                          {"1.3.6.1.4.1.62397.1.4", wrapped(as_bytes("app:custom")), false}});
    const auto evidence = recognise(fresh);
    REQUIRE(evidence);
    CHECK(evidence->form == "RA-TLS certificate");
    CHECK(evidence->certificate->usage == "app:custom");
    CHECK(evidence->certificate->spki.size() == 91);
    CHECK(evidence->attestation.quote == a.quote);
    CHECK(form_of(x509::to_pem(fresh)) == "RA-TLS certificate");
    const Bytes old = certificate_with(
        {{"1.3.6.1.4.1.62397.1.1", wrapped(a.quote), false},
         {"1.3.6.1.4.1.62397.1.2",
          wrapped(as_bytes(R"([{"imr":3,"event_type":134217729,"event":"app-id"}])")), false}});
    REQUIRE(recognise(old));
    CHECK(recognise(old)->attestation.event_log.size() == 1);
    CHECK(form_of(as_text(certificate_with({}))).find("carries no attestation") !=
          std::string::npos);
    // Not wrapped twice.
    CHECK(form_of(as_text(certificate_with({{"1.3.6.1.4.1.62397.1.8", blob, false}})))
              .starts_with("refused"));
  }

  TEST_CASE("what is none of these is refused")
  {
    for (const char* text : {"", "hello", "{}", "[]", "0x", "abc", "-----BEGIN CERTIFICATE-----",
                             "-----BEGIN X-----\nAAAA\n-----END X-----\n", "{\"quote\":\"zz\"}",
                             "{\"attestation\":\"10\"}", "{\"app_cert\":\"x\"}"})
      CHECK_MESSAGE(form_of(text).starts_with("refused"), text);
    CHECK(form_of(std::string_view{"\x05\x00\x00\x00", 4}).starts_with("refused"));
  }

  TEST_CASE("published evidence is recognised")
  {
    if (!std::filesystem::exists(test_vectors())) {
      MESSAGE("not run: no vectors at " << test_vectors().string());
      return;
    }
    CHECK(form_of(slurp(test_vectors() / "asis/dcapqvl_tdx.quote.bin")) == "TDX quote v4");
    CHECK(form_of(slurp(test_vectors() / "attest/attestation.bin")) == "attestation V0");
    CHECK(form_of(slurp(test_vectors() / "attest/sev-snp-attestation.json")) ==
          "attestation V0 in JSON");
    const auto lite = recognise(as_bytes(slurp(test_vectors() / "attest/tdx-lite-getquote.json")));
    REQUIRE(lite);
    CHECK(lite->form == "TDX quote v4 in GetQuote JSON");
    CHECK(lite->attestation.event_log.size() == 29);
  }
}

} // namespace dstack::attest
