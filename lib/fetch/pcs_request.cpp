#include "fetch/pcs_request.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::fetch {

namespace {

// The distribution point named in Intel's root certificate; never read from a certificate.
constexpr std::string_view intel_root_crl =
    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
constexpr std::string_view sgx_interface = "/sgx/certification/v4";

std::string upper_hex(ByteView bytes)
{
  std::string out = hex(bytes);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

std::string selector(const TcbUpdate& update)
{
  switch (update.kind) {
  case TcbUpdate::Kind::standard:
    return "update=standard";
  case TcbUpdate::Kind::early:
    return "update=early";
  case TcbUpdate::Kind::number:
    return fmt::format("tcbEvaluationDataNumber={}", update.number);
  }
  return "";
}

std::string pce_svn_le(std::uint16_t svn)
{
  return upper_hex(ByteWriter{}.u16le(svn).bytes());
}

} // namespace

std::string_view name_of(PckCa ca)
{
  return ca == PckCa::processor ? "processor" : "platform";
}

Result<PckCa> parse_pck_ca(std::string_view text)
{
  if (text == "processor") return PckCa::processor;
  if (text == "platform") return PckCa::platform;
  return fail(Errc::usage, "'{}' is no PCK CA (processor or platform)", printable(text));
}

Result<PckCa> pck_ca_of_issuer(std::string_view common_name)
{
  if (common_name == "Intel SGX PCK Processor CA") return PckCa::processor;
  if (common_name == "Intel SGX PCK Platform CA") return PckCa::platform;
  return fail(Errc::unsupported,
              "the PCK certificate was issued by '{}', for which Intel's service has no collateral",
              printable(common_name));
}

Result<dcap::TeeType> parse_tee(std::string_view text)
{
  if (text == "sgx") return dcap::TeeType::sgx;
  if (text == "tdx") return dcap::TeeType::tdx;
  return fail(Errc::usage, "'{}' is no TEE with collateral (sgx or tdx)", printable(text));
}

Result<TcbUpdate> parse_update(std::string_view text)
{
  if (text == "standard") return TcbUpdate{TcbUpdate::Kind::standard, 0};
  if (text == "early") return TcbUpdate{TcbUpdate::Kind::early, 0};
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > UINT32_MAX)
    return fail(Errc::usage, "'{}' is neither standard, early nor an evaluation number",
                printable(text));
  return TcbUpdate{TcbUpdate::Kind::number, static_cast<std::uint32_t>(*number)};
}

Result<dcap::Field<6>> parse_fmspc(std::string_view text)
{
  const auto parsed = parse_hex_array<6>(text);
  if (!parsed) return fail(Errc::usage, "'{}' is no FMSPC (12 hex digits)", printable(text));
  return *parsed;
}

std::string fmspc_text(const dcap::Field<6>& fmspc)
{
  return upper_hex(fmspc);
}

std::string tcb_info_url(std::string_view base, const PcsRequest& request)
{
  return fmt::format("{}/{}/certification/v4/tcb?fmspc={}&{}", base, dcap::name_of(request.tee),
                     fmspc_text(request.fmspc), selector(request.update));
}

std::string qe_identity_url(std::string_view base, const PcsRequest& request)
{
  return fmt::format("{}/{}/certification/v4/qe/identity?{}", base, dcap::name_of(request.tee),
                     selector(request.update));
}

std::string pck_crl_url(std::string_view base, const PcsRequest& request)
{
  return fmt::format("{}{}/pckcrl?ca={}&encoding=der", base, sgx_interface, name_of(request.ca));
}

std::string root_crl_url(std::string_view base)
{
  if (base == intel_pcs) return std::string{intel_root_crl};
  return fmt::format("{}{}/rootcacrl", base, sgx_interface);
}

std::string pck_certificate_url(std::string_view base, const PckRequest& request)
{
  std::string out =
      fmt::format("{}{}/pckcert?encrypted_ppid={}&cpusvn={}&pcesvn={}&pceid={}", base,
                  sgx_interface, upper_hex(request.encrypted_ppid), upper_hex(request.cpu_svn),
                  pce_svn_le(request.pce_svn), upper_hex(request.pce_id));
  if (base != intel_pcs)
    out += "&qeid=" + upper_hex(request.qe_id); // PCCS: its key in the database
  return out;
}

std::string tcbm_text(const PckRequest& request)
{
  return upper_hex(request.cpu_svn) + pce_svn_le(request.pce_svn);
}

} // namespace dstack::fetch
