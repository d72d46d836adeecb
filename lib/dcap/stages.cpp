#include "dcap/verify.hpp"

namespace dstack::dcap {

namespace {

struct StageText {
  std::string_view id;
  std::string_view title;
  std::string_view source;
};

constexpr std::array<StageText, stage_count> texts{{
    {"quote.format", "the quote is well-formed", "Intel quote format"},
    {"collateral.root-crl", "the root's revocation list is signed by the root", "root CA CRL"},
    {"collateral.tcb-info", "the TCB info is signed by a TCB signer under the root", "TCB info"},
    {"collateral.qe-identity", "the QE identity is signed by a TCB signer under the root",
     "QE identity"},
    {"pck.chain", "the PCK certificate chains to the pinned root", "PCK chain"},
    {"pck.crl", "the PCK revocation list is signed by the PCK's CA", "PCK CRL"},
    {"validity", "all certificates, lists and documents are valid at the time of judgement",
     "their own dates"},
    {"revocation", "no certificate used is revoked", "root CA CRL, PCK CRL"},
    {"pck.extension", "the PCK certificate describes the platform", "PCK certificate"},
    {"qe.signature", "the quoting enclave's report is signed by the PCK", "PCK certificate"},
    {"qe.binding", "the quoting enclave vouches for the attestation key", "QE report"},
    {"qe.identity", "the quoting enclave is Intel's", "QE identity"},
    {"quote.signature", "the quote is signed by the attestation key", "attestation key"},
    {"tcb.info-match", "the TCB info is that of this platform", "TCB info"},
    {"tcb.module", "the TDX module is one that is known", "TCB info"},
    {"tcb.level", "the platform's TCB has a level, and it is not revoked", "TCB info, QE identity"},
}};

} // namespace

std::string_view id_of(Stage stage)
{
  return texts.at(static_cast<std::size_t>(stage)).id;
}

std::string_view title_of(Stage stage)
{
  return texts.at(static_cast<std::size_t>(stage)).title;
}

std::string_view source_of(Stage stage)
{
  return texts.at(static_cast<std::size_t>(stage)).source;
}

std::vector<std::string> attribute_flags(const Quote& quote)
{
  constexpr std::uint64_t sgx_debug = 0x02;
  std::vector<std::string> out;
  if (quote.tee == TeeType::sgx) {
    if ((quote.enclave.attributes[0] & sgx_debug) != 0) out.emplace_back("debug");
    return out;
  }
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < quote.td.td_attributes.size(); ++i)
    bits |= std::uint64_t{quote.td.td_attributes.at(i)} << (8 * i);
  const auto bit = [](unsigned number) { return std::uint64_t{1} << number; };
  constexpr std::uint64_t other_tud = 0xfe;
  const std::uint64_t sept_ve_disable = bit(28);
  const std::uint64_t migratable = bit(29);
  const std::uint64_t harmless = bit(30) | bit(31) | bit(63); // PKS, KL, PERFMON
  if ((bits & 1U) != 0) out.emplace_back("debug");
  if ((bits & other_tud) != 0) out.emplace_back("tud-other");
  if ((bits & sept_ve_disable) == 0) out.emplace_back("sept-ve-disable-clear");
  if ((bits & migratable) != 0) out.emplace_back("migratable");
  if ((bits & ~(other_tud | 1U | sept_ve_disable | migratable | harmless)) != 0)
    out.emplace_back("td-attributes-reserved");
  const Field<48> none{};
  const Td15Extended& more = quote.td.td15_extended;
  if (quote.td.td15.mr_service_td != none || more.initial_service_td_hash != none ||
      more.current_service_td_hash != none)
    out.emplace_back("mr-service-td");
  return out;
}

} // namespace dstack::dcap
