#include "tee/sim_trust.hpp"

#include "codec/json.hpp"
#include "dcap/collateral.hpp"
#include "dcap/quote.hpp"
#include "x509/certificate.hpp"

namespace dstack::tee {

namespace fs = std::filesystem;
using codec::Json;

namespace {

constexpr std::size_t max_key = 16'384;
constexpr std::int64_t collateral_life = std::int64_t{3650} * 86'400;
constexpr std::string_view signer_name = "dstack SIMULATED SGX TCB Signing";
constexpr std::size_t components = 16;

struct Period {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

std::string date(std::int64_t seconds)
{
  return format_utc({seconds * 1000});
}

Json level(Json tcb, const Period& period)
{
  return Json::object()
      .set("tcb", std::move(tcb))
      .set("tcbDate", date(period.from))
      .set("tcbStatus", "UpToDate");
}

Json head(std::string_view id, int version, const Period& period)
{
  return Json::object()
      .set("id", id)
      .set("version", version)
      .set("issueDate", date(period.from))
      .set("nextUpdate", date(period.to))
      .set("tcbEvaluationDataNumber", 1);
}

/// Every version of the simulated platform is 1 (tee/sim_authority.cpp).
std::string tcb_info(const Period& period, dcap::TeeType tee)
{
  const bool tdx = tee == dcap::TeeType::tdx;
  Json ones = Json::array();
  for (std::size_t i = 0; i < components; ++i)
    ones.push(Json::object().set("svn", 1));
  Json platform = Json::object().set("sgxtcbcomponents", ones).set("pcesvn", 1);
  Json out = head(tdx ? "TDX" : "SGX", 3, period);
  out.set("fmspc", hex(as_bytes("SIMULA"))).set("pceId", "0000").set("tcbType", 0);
  if (tdx) {
    platform.set("tdxtcbcomponents", ones);
    Json module = Json::object()
                      .set("mrsigner", std::string(96, '0'))
                      .set("attributes", std::string(16, '0'))
                      .set("attributesMask", std::string(16, 'F'));
    Json identity = module;
    identity.set("id", "TDX_01")
        .set("tcbLevels", codec::JsonArray{level(Json::object().set("isvsvn", 1), period)});
    out.set("tdxModule", std::move(module))
        .set("tdxModuleIdentities", codec::JsonArray{std::move(identity)});
  }
  out.set("tcbLevels", codec::JsonArray{level(std::move(platform), period)});
  return codec::write_json(out);
}

std::string qe_identity(const Period& period, dcap::TeeType tee)
{
  return codec::write_json(
      head(tee == dcap::TeeType::tdx ? "TD_QE" : "QE", 2, period)
          .set("miscselect", "00000000")
          .set("miscselectMask", "FFFFFFFF")
          .set("attributes", std::string(32, '0'))
          .set("attributesMask", std::string(32, 'F'))
          .set("mrsigner", std::string(64, '0'))
          .set("isvprodid", 0)
          .set("tcbLevels", codec::JsonArray{level(Json::object().set("isvsvn", 0), period)}));
}

Result<crypto::P256Key> load_key(const fs::path& file)
{
  Bytes raw = TRY(sys::read_file(file, max_key));
  auto out = crypto::P256Key::from_pkcs8_der(raw);
  wipe(raw);
  return std::move(out).within("{}", file.string());
}

Result<dcap::Collateral>
make_collateral(const fs::path& directory, const Period& period, dcap::TeeType tee)
{
  const auto root = TRY(load_key(directory / "root.key"));
  const auto platform = TRY(load_key(directory / "platform.key"));
  const Bytes root_der = TRY(sys::read_file(directory / "root.der", max_key));
  const auto signer = crypto::P256Key::generate(); // signs these two documents, then is gone
  const std::string root_cn{sim_root_name};
  const x509::CertificateSpec spec{
      std::string{signer_name}, root_cn, 4, period.from, period.to, {}, {}};
  const Bytes certificate = TRY(x509::make_certificate(spec, signer.spki_der(), root));
  dcap::Collateral out;
  out.tcb_info = tcb_info(period, tee);
  out.qe_identity = qe_identity(period, tee);
  out.tcb_info_signature = to_bytes(signer.sign_raw(as_bytes(out.tcb_info)));
  out.qe_identity_signature = to_bytes(signer.sign_raw(as_bytes(out.qe_identity)));
  out.tcb_info_issuer_chain = x509::to_pem(certificate) + x509::to_pem(root_der);
  out.qe_identity_issuer_chain = out.tcb_info_issuer_chain;
  out.root_ca_crl = TRY(x509::make_crl({root_cn, 1, period.from, period.to}, root));
  const std::string platform_cn{sim_platform_name};
  out.pck_crl = TRY(x509::make_crl({platform_cn, 1, period.from, period.to}, platform));
  return out;
}

} // namespace

Result<std::optional<SimTrust>> read_sim_trust(const fs::path& directory)
{
  if (!fs::exists(directory / "collateral.json")) return std::optional<SimTrust>{};
  SimTrust out;
  out.root = TRY(sys::read_file(directory / "root.der", max_key));
  out.collateral = TRY(sys::read_text(directory / "collateral.json", dcap::max_collateral));
  return std::optional<SimTrust>{std::move(out)};
}

Status ensure_sim_collateral(const fs::path& directory, Time now)
{
  const Period period{now.seconds() - 86'400, now.seconds() + collateral_life};
  for (const auto& [name, tee] : {std::pair{"collateral.json", dcap::TeeType::tdx},
                                  {"sgx-collateral.json", dcap::TeeType::sgx}}) {
    if (fs::exists(directory / name)) continue;
    const dcap::Collateral collateral = TRY(make_collateral(directory, period, tee));
    TRY(sys::write_file_atomic(directory / name, as_bytes(dcap::to_json_text(collateral)),
                               sys::Privacy::owner_only));
  }
  return ok();
}

} // namespace dstack::tee
