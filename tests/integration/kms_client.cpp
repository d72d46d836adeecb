// kms_client: what tests of dstack-kms need beside curl. Keys of the simulated TEE are in TEE.
//   kms_client certificate TEE TEMP-CA.json COMPOSE.json KIND DIR
//       An RA-TLS client certificate of an app in DIR/cert.pem and key.pem; TEMP-CA.json is the
//       answer of GetTempCaCert. KIND: good, debug, other-key (the quote vouches for another key),
//       twice (the attestation is in it twice), bare (no attestation), no-log (an old quote without
//       its event log), as:HEX (the log names that app), from:FILE (the attestation is copied from
//       a certificate or a JSON file with evidence).
//   kms_client request TEE COMPOSE.json KIND DIR
//       A SignCert request in DIR/request.json for such an app.
//   kms_client collateral TEE revoked|expired
//       The TEE's collateral says so from now on.
//   kms_client lie UNSEAL.json SHARE OUT
//       A false share of SHARE's custodian, sealed to the KMS whose /unseal is in UNSEAL.json.
#include "attest/csr.hpp"
#include "attest/evidence.hpp"
#include "attest/identity.hpp"
#include "attest/ratls_write.hpp"
#include "cli/simulate/world.hpp"
#include "dcap/collateral.hpp"
#include "kmsapi/unseal.hpp"
#include "kmsclient/answers.hpp"
#include "sys/clock.hpp"
#include "tee/sim_host.hpp"
#include "tee/sim_trust.hpp"
#include "vault/share_file.hpp"
#include "x509/app_certificate.hpp"
#include "x509/read.hpp"

#include <algorithm>
#include <cstdio>

using namespace dstack;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_file = std::size_t{4} << 20U;
constexpr std::size_t signed_size = 632;       // header and TD report (spec verify 2)
constexpr std::size_t attributes_offset = 168; // of the TD
constexpr std::size_t signature_offset = 636;

Result<crypto::P256Key> key_of(const fs::path& file)
{
  return crypto::P256Key::from_pkcs8_der(TRY(sys::read_file(file, max_file)));
}

Status put(const fs::path& file, std::string_view text)
{
  return sys::write_file_atomic(file, as_bytes(text), sys::Privacy::owner_only);
}

/// The same TD, but debuggable, signed again.
Status make_debug(Bytes& quote, const fs::path& tee)
{
  quote.at(attributes_offset) |= 1U;
  const auto key = TRY(key_of(tee / "attestation.key"));
  const auto signature = key.sign_raw(ByteView{quote}.first(signed_size));
  std::copy(signature.begin(), signature.end(), quote.begin() + signature_offset);
  return ok();
}

/// The same TD with another app in its log, quoted again.
Status rename_app(attest::Attestation& a, const fs::path& tee, std::string_view app_id)
{
  attest::TdxRegisters registers;
  const dcap::TdReport td = TRY(dcap::parse_quote(a.quote)).td;
  registers = {td.mrtd, td.rtmr, td.mr_config_id, td.mr_owner, td.mr_owner_config};
  attest::Register rtmr3;
  for (attest::TdxEvent& event : a.event_log) {
    if (event.imr != attest::runtime_register) continue;
    if (event.name == "app-id")
      event = attest::to_tdx_event({event.name, TRY(parse_hex(app_id)), event.version});
    rtmr3.extend(*event.digest);
  }
  a.runtime_events = attest::runtime_events_of(a.event_log);
  registers.rtmr[attest::runtime_register] = rtmr3.value();
  const auto authority = TRY(tee::SimAuthority::open(tee, sys::now()));
  a.quote = authority.quote(registers, a.report_data);
  return ok();
}

Result<attest::Attestation> attestation(const fs::path& tee,
                                        const std::string& compose,
                                        std::string_view kind,
                                        const Bytes& spki)
{
  constexpr std::string_view copied = "from:";
  constexpr std::string_view named = "as:";
  if (kind.starts_with(copied)) {
    const Bytes file = TRY(sys::read_file(fs::path{kind.substr(copied.size())}, max_file));
    return TRY(attest::recognise(file)).attestation;
  }
  const auto world = TRY(cli::make_world(compose, tee, std::nullopt));
  const Bytes vouched = kind == "other-key" ? crypto::P256Key::generate().spki_der() : spki;
  auto out = TRY(world.guest->evidence().attestation(attest::ratls_report_data(vouched)));
  if (kind == "debug") TRY(make_debug(out.quote, tee));
  if (kind.starts_with(named)) TRY(rename_app(out, tee, kind.substr(named.size())));
  return out;
}

Result<std::vector<x509::Extension>> extensions(const attest::Attestation& a, std::string_view kind)
{
  if (kind == "bare") return std::vector<x509::Extension>{};
  if (kind == "no-log") return std::vector{attest::legacy_extensions(a).front()};
  const x509::Extension one = attest::attestation_extension(a);
  if (kind == "twice") return std::vector{one, one};
  return std::vector{one};
}

Status certificate(const fs::path& tee, char** words)
{
  const std::string answer = TRY(sys::read_text(words[0], max_file));
  const auto ca = TRY(kmsclient::parse_temp_ca(answer));
  const std::string compose = TRY(sys::read_text(words[1], max_file));
  const std::string_view kind = words[2];
  const fs::path to = words[3];
  const auto key = crypto::P256Key::generate();
  const auto a = TRY(attestation(tee, compose, kind, key.spki_der()));
  x509::AppCertificateSpec spec;
  spec.subject.common_name = "RA-TLS TEMP Cert";
  spec.issuer_der = TRY(x509::read_certificate(ca.certificate.der)).subject_der;
  spec.not_after = sys::now().seconds() + x509::default_validity;
  spec.extensions = TRY(extensions(a, kind));
  const Bytes der = TRY(x509::make_app_certificate(spec, key.spki_der(), ca.key));
  TRY(put(to / "cert.pem", x509::to_pem(der)));
  return put(to / "key.pem", key.pkcs8_pem());
}

Status request(const fs::path& tee, char** words)
{
  const std::string compose = TRY(sys::read_text(words[0], max_file));
  const auto key = crypto::P256Key::generate();
  attest::Csr csr;
  csr.public_key = key.spki_der();
  csr.config.subject = "app.example.com";
  csr.config.alt_names = {"app.example.com"};
  csr.config.server_auth = csr.config.ext_quote = csr.config.ext_app_info = true;
  csr.attestation = attest::encode(TRY(attestation(tee, compose, words[1], csr.public_key)));
  const Bytes raw = attest::encode(csr);
  codec::Json out;
  out.set("api_version", 2).set("csr", hex(raw)).set("signature", hex(key.sign_der(raw)));
  return put(fs::path{words[2]} / "request.json", codec::write_json(out));
}

/// Signed anew by the TEE's own root.
Status change_collateral(const fs::path& tee, std::string_view how)
{
  const std::string text = TRY(sys::read_text(tee / "collateral.json", dcap::max_collateral));
  dcap::Collateral c = TRY(dcap::collateral_from_json(text));
  const std::string from = how == "revoked" ? "\"UpToDate\"" : "\"nextUpdate\":\"20";
  const std::string to = how == "revoked" ? "\"Revoked\"" : "\"nextUpdate\":\"19";
  for (std::size_t at = c.tcb_info.find(from); at != std::string::npos;
       at = c.tcb_info.find(from, at + 1))
    c.tcb_info.replace(at, from.size(), to);
  const auto root = TRY(key_of(tee / "root.key"));
  const auto signer = crypto::P256Key::generate();
  const std::int64_t now = sys::now().seconds();
  const x509::CertificateSpec spec{"dstack SIMULATED SGX TCB Signing",
                                   std::string{tee::sim_root_name},
                                   5,
                                   now - 60,
                                   now + 86'400,
                                   {},
                                   {}};
  const Bytes certificate = TRY(x509::make_certificate(spec, signer.spki_der(), root));
  const Bytes root_der = TRY(sys::read_file(tee / "root.der", max_file));
  c.tcb_info_issuer_chain = x509::to_pem(certificate) + x509::to_pem(root_der);
  c.tcb_info_signature = to_bytes(signer.sign_raw(as_bytes(c.tcb_info)));
  return put(tee / "collateral.json", dcap::to_json_text(c));
}

Status lie(const fs::path& unseal, char** words)
{
  const auto document =
      TRY(kmsapi::parse_unseal(TRY(sys::read_text(unseal, kmsapi::max_unseal_document))));
  auto share = TRY(vault::read_share(TRY(sys::read_file(words[0], vault::max_share_file))));
  share.share.value = crypto::RistrettoScalar::random();
  return put(words[1], as_text(TRY(vault::write_share(share, document.public_key))));
}

Status run(int argc, char** argv)
{
  const std::string_view what = argc > 2 ? argv[1] : "";
  const fs::path tee = argc > 2 ? argv[2] : "";
  if (what == "certificate" && argc == 7) return certificate(tee, argv + 3);
  if (what == "request" && argc == 6) return request(tee, argv + 3);
  if (what == "collateral" && argc == 4) return change_collateral(tee, argv[3]);
  if (what == "lie" && argc == 5) return lie(tee, argv + 3);
  return fail(Errc::usage, "see the head of kms_client.cpp");
}

} // namespace

int main(int argc, char** argv)
{
  const Status done = run(argc, argv);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 1;
}
