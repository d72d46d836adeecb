#include "base/text.hpp"
#include "crypto/p256_public.hpp"
#include "crypto/random.hpp"
#include "dcap/collateral.hpp"
#include "keys/app_keys.hpp"
#include "tee/sim_host.hpp"
#include "tee/sim_quote.hpp"
#include "tee/sim_trust.hpp"
#include "x509/der.hpp"

#include <algorithm>

namespace dstack::tee {

namespace fs = std::filesystem;
namespace der = x509::der;

namespace {

constexpr std::size_t max_file = 16'384;
constexpr std::int64_t certificate_life = std::int64_t{3652} * 86'400;
constexpr std::size_t auth_data_size = 32;
constexpr std::size_t qe_report_data_offset = 320; // spec verify 2.3

constexpr std::string_view pck_name = "dstack SIMULATED SGX PCK Certificate";

/// The SGX extension of a PCK certificate (Intel "SGX PCK Certificate and CRL Profile", 1.3.5).
Bytes sgx_extension()
{
  const auto item = [](std::string_view suffix, ByteView value) {
    return der::sequence({der::oid(fmt::format("1.2.840.113741.1.13.1{}", suffix)), value});
  };
  Bytes tcb;
  for (int i = 1; i <= 16; ++i) {
    const Bytes one = item(fmt::format(".2.{}", i), der::integer(1));
    tcb.insert(tcb.end(), one.begin(), one.end());
  }
  for (const Bytes& one :
       {item(".2.17", der::integer(1)), item(".2.18", der::octet_string(Bytes(16, 1)))})
    tcb.insert(tcb.end(), one.begin(), one.end());
  // FMSPC 'SIMULA' cannot be one of Intel's.
  return der::sequence({item(".1", der::octet_string(Bytes(16, 0))),
                        item(".2", der::tlv(0x30, tcb)), item(".3", der::octet_string(Bytes(2, 0))),
                        item(".4", der::octet_string(as_bytes("SIMULA"))),
                        item(".5", der::enumerated(0))});
}

struct Made {
  Bytes root;
  std::string chain;
};

Result<Made> make_chain(const crypto::P256Key& root,
                        const crypto::P256Key& platform,
                        const crypto::P256Key& pck,
                        Time now)
{
  const std::int64_t from = now.seconds() - 86'400;
  const std::int64_t to = now.seconds() + certificate_life;
  const std::string root_cn{sim_root_name};
  const std::string platform_cn{sim_platform_name};
  x509::CertificateSpec spec{root_cn, root_cn, 1, from, to, 1, {}};
  Made out;
  out.root = TRY(x509::make_certificate(spec, root.spki_der(), root));
  spec = {platform_cn, root_cn, 2, from, to, 0, {}};
  const Bytes middle = TRY(x509::make_certificate(spec, platform.spki_der(), root));
  spec = {std::string{pck_name},
          platform_cn,
          3,
          from,
          to,
          {},
          {{"1.2.840.113741.1.13.1", sgx_extension(), false}}};
  const Bytes leaf = TRY(x509::make_certificate(spec, pck.spki_der(), platform));
  out.chain = x509::to_pem(leaf) + x509::to_pem(middle) + x509::to_pem(out.root);
  return out;
}

/// Fills a fresh directory with keys and certificates; the caller renames it into place.
Status make_authority(const fs::path& directory, Time now)
{
  const auto root = crypto::P256Key::generate();
  const auto platform = crypto::P256Key::generate();
  const auto pck = crypto::P256Key::generate();
  const auto attestation = crypto::P256Key::generate();
  const Made made = TRY(make_chain(root, platform, pck, now));
  Secret<32> sealing;
  crypto::random_bytes(sealing.mutable_view());
  const auto put = [&](const char* name, ByteView data) {
    return sys::write_file_atomic(directory / name, data, sys::Privacy::owner_only);
  };
  // Root and platform keys stay too: they sign the development collateral.
  TRY(put("root.key", root.pkcs8_der().view()));
  TRY(put("platform.key", platform.pkcs8_der().view()));
  TRY(put("pck.key", pck.pkcs8_der().view()));
  TRY(put("attestation.key", attestation.pkcs8_der().view()));
  TRY(put("sealing.key", sealing.view()));
  TRY(put("root.der", made.root));
  return put("pck-chain.pem", as_bytes(made.chain));
}

Status ensure_authority(const fs::path& directory, Time now)
{
  if (fs::exists(directory / "pck-chain.pem")) return ok();
  const fs::path parent = directory.parent_path();
  TRY(sys::make_directories(parent, sys::Privacy::owner_only));
  const fs::path fresh = TRY(sys::make_temp_directory(parent, ".new-simulated-tee"));
  Status made = make_authority(fresh, now);
  if (made) made = sys::rename_path(fresh, directory);
  if (made) return ok();
  static_cast<void>(sys::remove_tree(fresh));
  // Another process may have been first.
  if (fs::exists(directory / "pck-chain.pem")) return ok();
  return made;
}

} // namespace

Result<SimAuthority> SimAuthority::open(const fs::path& directory, Time now)
{
  TRY(ensure_authority(directory, now).within("simulated TEE"));
  TRY(ensure_sim_collateral(directory, now).within("simulated TEE"));
  const auto key = [&](const char* name) -> Result<crypto::P256Key> {
    Bytes raw = TRY(sys::read_file(directory / name, max_file));
    auto out = crypto::P256Key::from_pkcs8_der(raw);
    wipe(raw);
    return std::move(out).within("{}", (directory / name).string());
  };
  Bytes sealing = TRY(sys::read_file(directory / "sealing.key", max_file));
  Secret<32> secret;
  if (sealing.size() != secret.view().size())
    return fail(Errc::malformed, "{} is not 32 bytes", (directory / "sealing.key").string());
  std::copy(sealing.begin(), sealing.end(), secret.mutable_view().begin());
  wipe(sealing);
  crypto::P256Key pck = TRY(key("pck.key"));
  crypto::P256Key attestation = TRY(key("attestation.key"));
  std::string chain = TRY(sys::read_text(directory / "pck-chain.pem", max_file));
  QuoteAuth auth = make_auth(pck, attestation, std::move(chain));
  SimAuthority out{std::move(attestation), std::move(auth), std::move(secret)};
  out.enclave_collateral_ =
      TRY(sys::read_text(directory / "sgx-collateral.json", dcap::max_collateral));
  out.root_ = TRY(sys::read_file(directory / "root.der", max_file));
  return out;
}

namespace {

dcap::Field<20> sim_user_data()
{
  dcap::Field<20> out{};
  std::copy_n("dstack SIMULATED", 16, out.begin());
  return out;
}

} // namespace

/// Everything of a quote's authentication that is the same in each: the QE report binds the
/// attestation key, the PCK key signs that report.
QuoteAuth SimAuthority::make_auth(const crypto::P256Key& pck,
                                  const crypto::P256Key& attestation,
                                  std::string chain_pem)
{
  QuoteAuth auth;
  auth.attestation_key = attestation.public_xy();
  auth.auth_data = Bytes(auth_data_size, 0);
  const auto bound = crypto::sha256(concat({auth.attestation_key, auth.auth_data}));
  std::copy(bound.begin(), bound.end(), auth.qe_report.begin() + qe_report_data_offset);
  auth.qe_report_signature = pck.sign_raw(auth.qe_report);
  auth.pck_chain = std::move(chain_pem);
  return auth;
}

Bytes SimAuthority::sign_quote(const Bytes& signed_part) const
{
  QuoteAuth auth = auth_;
  auth.signature = attestation_.sign_raw(signed_part);
  return encode_quote(signed_part, auth);
}

Bytes SimAuthority::quote(const attest::TdxRegisters& registers, ByteView report_data) const
{
  dcap::TdReport td;
  td.tee_tcb_svn.fill(1);
  td.td_attributes = {0, 0, 0, 0x10, 0, 0, 0, 0}; // SEPT_VE_DISABLE, as QEMU sets (spec host 5.2)
  td.xfam = {0xe7, 0x02, 0x06, 0, 0, 0, 0, 0};
  td.mrtd = registers.mrtd;
  td.mr_config_id = registers.mr_config_id;
  td.mr_owner = registers.mr_owner;
  td.mr_owner_config = registers.mr_owner_config;
  td.rtmr = registers.rtmr;
  DSTACK_ASSERT(report_data.size() == td.report_data.size());
  std::copy(report_data.begin(), report_data.end(), td.report_data.begin());
  return sign_quote(encode_signed_part(sim_user_data(), td));
}

Bytes SimAuthority::enclave_quote(const dcap::EnclaveReport& enclave) const
{
  return sign_quote(encode_signed_part(sim_user_data(), enclave));
}

bool SimAuthority::has_signed(const dcap::Quote& quote) const
{
  const auto own = attestation_.public_xy();
  if (!equal(quote.attestation_key, own)) return false;
  const auto key = crypto::P256Public::from_xy(own);
  return key && key->verify_raw(crypto::sha256(quote.signed_part), quote.signature);
}

Secret<32> SimAuthority::sealing_key(std::string_view app_id, std::string_view instance_id) const
{
  return keys::derive(sealing_.view(), {"dstack-simulated-sealing-key:", app_id, ":", instance_id});
}

} // namespace dstack::tee
