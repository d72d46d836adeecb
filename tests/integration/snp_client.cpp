// snp_client TEMP-CA.json DIR NAME=DOCUMENT...: a stand-in for AMD's authorities with keys of its
// own: its root in DIR/root.der, what AMD's key service answers in DIR/kds; and for each guest a
// client certificate with a report of that stand-in, in DIR/NAME. DOCUMENT is the guest's MR_CONFIG
// ("" for none); TEMP-CA.json the answer of GetTempCaCert.
#define DOCTEST_CONFIG_IMPLEMENT
#include "attest/identity.hpp"
#include "attest/ratls.hpp"
#include "attest/ratls_write.hpp"
#include "kmsclient/answers.hpp"
#include "snp/test_platform.hpp"
#include "sys/clock.hpp"
#include "sys/files.hpp"
#include "x509/app_certificate.hpp"
#include "x509/read.hpp"

#include <cstdio>
#include <doctest/doctest.h>

using namespace dstack;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_file = std::size_t{1} << 20U;
constexpr std::size_t report_data_offset = 0x50;
constexpr std::size_t measurement_offset = 0x90;
constexpr std::size_t host_data_offset = 0xc0;

attest::Attestation
guest(const snp::testing::Platform& platform, const std::string& document, const Bytes& spki)
{
  attest::Attestation out;
  out.version = 1;
  out.platform = attest::Platform::amd_sev_snp;
  out.report_data = attest::ratls_report_data(spki);
  Bytes report = snp::testing::unsigned_report();
  snp::testing::put(report, report_data_offset, out.report_data);
  snp::testing::put(report, measurement_offset, Bytes(48, 0x5a));
  if (!document.empty())
    snp::testing::put(report, host_data_offset, attest::mr_config_v3_hash(document));
  out.quote = platform.sign(std::move(report));
  out.certificates = {platform.certificates.vcek, platform.certificates.ask,
                      platform.certificates.ark};
  out.mr_config = document;
  return out;
}

Status put(const fs::path& file, ByteView bytes)
{
  return sys::write_file_atomic(file, bytes, sys::Privacy::owner_only);
}

Status write_authorities(const snp::Certificates& all, const fs::path& to)
{
  TRY(sys::make_directories(to / "kds", sys::Privacy::owner_only));
  TRY(put(to / "kds/vcek", all.vcek));
  TRY(put(to / "kds/crl", all.crl));
  TRY(put(to / "kds/cert_chain", as_bytes(x509::to_pem(all.ask) + x509::to_pem(all.ark))));
  return put(to / "root.der", all.ark);
}

Status write_certificate(const kmsclient::TempCa& ca,
                         const attest::Attestation& attestation,
                         const crypto::P256Key& key,
                         const fs::path& to)
{
  x509::AppCertificateSpec spec;
  spec.subject.common_name = "RA-TLS TEMP Cert";
  spec.issuer_der = TRY(x509::read_certificate(ca.certificate.der)).subject_der;
  spec.not_after = sys::now().seconds() + x509::default_validity;
  spec.extensions = {attest::attestation_extension(attestation)};
  const Bytes der = TRY(x509::make_app_certificate(spec, key.spki_der(), ca.key));
  TRY(sys::make_directories(to, sys::Privacy::owner_only));
  TRY(put(to / "cert.pem", as_bytes(x509::to_pem(der))));
  return put(to / "key.pem", as_bytes(key.pkcs8_pem()));
}

Status run(int argc, char** argv)
{
  if (argc < 4) return fail(Errc::usage, "see the head of snp_client.cpp");
  const fs::path to = argv[2];
  const auto ca = TRY(kmsclient::parse_temp_ca(TRY(sys::read_text(argv[1], max_file))));
  snp::testing::Wanted wanted;
  const std::int64_t until = sys::now().seconds() + snp::testing::year;
  wanted.authority_not_after = wanted.vcek_not_after = wanted.crl_not_after = until;
  const auto platform = snp::testing::make_platform(wanted);
  TRY(write_authorities(platform.certificates, to));
  for (int i = 3; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return fail(Errc::usage, "NAME=DOCUMENT: {}", word);
    const auto key = crypto::P256Key::generate();
    const auto one = guest(platform, std::string{word.substr(equals + 1)}, key.spki_der());
    TRY(write_certificate(ca, one, key, to / word.substr(0, equals)));
  }
  return ok();
}

} // namespace

int main(int argc, char** argv)
{
  doctest::Context checks; // the stand-in is made by code that checks itself so
  checks.setAsDefaultForAssertsOutOfTestCases();
  const Status done = run(argc, argv);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 1;
}
