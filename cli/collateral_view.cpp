#include "cli/collateral_view.hpp"

#include "codec/json_list.hpp"
#include "dcap/tcb_info.hpp"
#include "fetch/issuer_chain.hpp"
#include "fetch/pcs_request.hpp"
#include "x509/crl.hpp"
#include "x509/p256_certificate.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

using codec::Json;

Result<std::vector<std::string>> names_in(std::string_view pem)
{
  std::vector<std::string> out;
  if (trim(pem).empty()) return out;
  for (const Bytes& der : TRY(x509::certificates_of_pem(pem, fetch::max_chain_certificates))) {
    const auto certificate = TRY(x509::parse_p256_certificate(der));
    out.push_back(printable(x509::common_name(certificate.subject)));
  }
  return out;
}

/// Text and JSON of a signed document share what dcap::TcbInfo and dcap::QeIdentity share.
template <class Document> PartView signed_part(const Document& document)
{
  PartView out;
  out.issued = document.issue_date;
  out.next_update = document.next_update;
  const std::size_t levels = document.levels.size();
  out.detail = fmt::format("evaluation {}, {} level{}", document.evaluation_number, levels,
                           levels == 1 ? "" : "s");
  out.facts.set("evaluation_number", document.evaluation_number)
      .set("levels", std::uint64_t{levels});
  return out;
}

Result<PartView> crl_part(const Bytes& der)
{
  const x509::Crl crl = TRY(x509::parse_crl(der));
  PartView out;
  out.issued = crl.this_update;
  out.next_update = crl.next_update;
  const std::string issuer = printable(x509::common_name(crl.issuer));
  out.detail = fmt::format("{}, {} revoked, {} bytes", issuer, crl.revoked.size(), der.size());
  out.facts.set("issuer", issuer)
      .set("revoked", std::uint64_t{crl.revoked.size()})
      .set("size_bytes", std::uint64_t{der.size()});
  return out;
}

PartView named(PartView part, std::string name, std::string key, std::vector<std::string> issuers)
{
  part.name = std::move(name);
  part.key = std::move(key);
  part.issuers = std::move(issuers);
  return part;
}

} // namespace

Result<CollateralView> view_of(const dcap::Collateral& c)
{
  const auto tcb = TRY(dcap::parse_tcb_info(c.tcb_info).within("TCB info"));
  const auto qe = TRY(dcap::parse_qe_identity(c.qe_identity).within("QE identity"));
  const auto tcb_names = TRY(names_in(c.tcb_info_issuer_chain).within("TCB info issuer chain"));
  const auto qe_names =
      TRY(names_in(c.qe_identity_issuer_chain).within("QE identity issuer chain"));
  const auto crl_names = TRY(names_in(c.pck_crl_issuer_chain).within("PCK CRL issuer chain"));
  PartView pck_crl = TRY(crl_part(c.pck_crl).within("PCK CRL"));
  PartView root_crl = TRY(crl_part(c.root_ca_crl).within("root CA CRL"));
  CollateralView out;
  out.fmspc = fetch::fmspc_text(tcb.fmspc);
  out.tee = dcap::name_of(tcb.tee);
  out.pck_chain = TRY(names_in(c.pck_certificate_chain).within("PCK certificate chain"));
  PartView tcb_part = signed_part(tcb);
  tcb_part.detail = fmt::format("version {}, {}", tcb.version, tcb_part.detail);
  tcb_part.facts.set("version", tcb.version);
  out.parts.push_back(named(std::move(tcb_part), "TCB info", "tcb_info", tcb_names));
  out.parts.push_back(named(signed_part(qe), "QE identity", "qe_identity", qe_names));
  out.parts.push_back(named(std::move(pck_crl), "PCK CRL", "pck_crl", crl_names));
  out.parts.push_back(named(std::move(root_crl), "root CA CRL", "root_ca_crl", {}));
  return out;
}

codec::Json to_json(const CollateralView& view)
{
  Json out = Json::object().set("fmspc", view.fmspc).set("tee", view.tee);
  for (const PartView& part : view.parts) {
    Json one = part.facts;
    one.set("issued", date(part.issued)).set("next_update", date(part.next_update));
    if (!part.issuers.empty()) one.set("issuer_chain", codec::list_of(part.issuers));
    out.set(part.key, one);
  }
  if (!view.pck_chain.empty()) out.set("pck_certificate_chain", codec::list_of(view.pck_chain));
  return out;
}

std::string date(std::int64_t seconds)
{
  return format_utc(Time{seconds * 1000});
}

std::string view_text(const CollateralView& view, Time now)
{
  std::string out = fmt::format("FMSPC {}, {}", view.fmspc, view.tee);
  for (const PartView& part : view.parts) {
    const bool expired = part.next_update < now.seconds();
    out +=
        fmt::format("\n{:<12} {}\n             issued {}, next update {}{}", part.name, part.detail,
                    date(part.issued), date(part.next_update), expired ? " (EXPIRED)" : "");
    if (!part.issuers.empty())
      out += fmt::format("\n             signed under {}", join(part.issuers, " < "));
  }
  if (!view.pck_chain.empty()) out += "\nPCK chain    " + join(view.pck_chain, " < ");
  return out;
}

} // namespace dstack::cli
