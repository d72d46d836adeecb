// make_ratls STATE DIR: an RA-TLS certificate of this machine's simulated TEE (whose keys are below
// STATE), with its key, as the guest of the next issues will show it: DIR/cert.pem, DIR/key.pem,
// and one whose quote speaks of another key: DIR/other.pem.
#include "attest/ratls.hpp"
#include "sys/clock.hpp"
#include "tee/sim_host.hpp"
#include "x509/der.hpp"

#include <cstdio>

using namespace dstack;

namespace {

Result<std::string> certificate(const tee::SimAuthority& authority,
                                const crypto::P256Key& key,
                                const Bytes& vouched_spki,
                                Time now)
{
  attest::Attestation a;
  a.report_data = attest::ratls_report_data(vouched_spki);
  a.quote = authority.quote({}, a.report_data);
  const Bytes blob = attest::encode(a);
  const x509::CertificateSpec spec{
      "app",
      "app",
      1,
      now.seconds() - 60,
      now.seconds() + 86'400,
      {},
      {{"1.3.6.1.4.1.62397.1.8", x509::der::octet_string(blob), false}}};
  return x509::to_pem(TRY(x509::make_certificate(spec, key.spki_der(), key)));
}

Status make(const std::filesystem::path& state, const std::filesystem::path& to)
{
  const Time now = sys::now();
  const auto authority = TRY(tee::SimAuthority::open(state / "dstack/simulated-tee", now));
  const auto key = crypto::P256Key::generate();
  const auto other = crypto::P256Key::generate();
  const auto put = [&](const char* name, const std::string& text) {
    return sys::write_file_atomic(to / name, as_bytes(text), sys::Privacy::owner_only);
  };
  TRY(put("key.pem", key.pkcs8_pem()));
  TRY(put("cert.pem", TRY(certificate(authority, key, key.spki_der(), now))));
  return put("other.pem", TRY(certificate(authority, key, other.spki_der(), now)));
}

} // namespace

int main(int argc, char** argv)
{
  if (argc != 3) return 2;
  const Status made = make(argv[1], argv[2]);
  if (!made) std::fprintf(stderr, "%s\n", made.error().message().c_str());
  return made ? 0 : 1;
}
