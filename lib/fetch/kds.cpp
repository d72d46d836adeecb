#include "fetch/kds.hpp"

#include "fetch/der_dates.hpp"
#include "fetch/proof.hpp"
#include "x509/p256_certificate.hpp"

#include <algorithm>
#include <array>

namespace dstack::fetch {

namespace {

constexpr std::size_t chip_id_size = 64;
constexpr std::size_t turin_hwid_size = 8;
constexpr std::array<std::string_view, 3> products{"Milan", "Genoa", "Turin"};

/// The positions of a set's answers.
enum KdsPart : std::size_t { vcek_part, chain_part, crl_part };

struct Issuers {
  Bytes ask{};
  Bytes ark{};
  std::int64_t not_after = 0; ///< of the one that ends first
};

Result<Issuers> read_issuers(const CacheEntry& entry)
{
  auto certificates = TRY(x509::certificates_of_pem(entry.body, 2));
  if (certificates.size() != 2)
    return fail(Errc::malformed, "a chain of {} certificates (want ASK and ARK)",
                certificates.size());
  Issuers out;
  out.not_after = std::min(TRY(certificate_not_after(certificates[0]).within("ASK")),
                           TRY(certificate_not_after(certificates[1]).within("ARK")));
  out.ask = std::move(certificates[0]);
  out.ark = std::move(certificates[1]);
  return out;
}

std::vector<Wanted>
wanted_for(const std::string& base, const std::string& product, const std::string& vcek)
{
  std::vector<Wanted> out;
  out.push_back(
      {"VCEK certificate",
       {vcek, "*/*", "AMD does not know this chip with this TCB"},
       {},
       [](const CacheEntry& entry) { return certificate_not_after(as_bytes(entry.body)); },
       Lifetime::fixed});
  out.push_back({"AMD certificate chain",
                 {kds_chain_url(base, product), "*/*", "the service does not have it"},
                 {},
                 [](const CacheEntry& entry) -> Result<std::int64_t> {
                   return TRY(read_issuers(entry)).not_after;
                 },
                 Lifetime::fixed});
  out.push_back({"AMD CRL",
                 {kds_crl_url(base, product), "*/*", "the service does not have it"},
                 {},
                 [](const CacheEntry& entry) { return crl_next_update(as_bytes(entry.body)); },
                 Lifetime::refreshed});
  return out;
}

} // namespace

Result<KdsRequest> kds_request(const snp::Report& report)
{
  const auto product = report.product();
  if (!product)
    return fail(Errc::not_found,
                "a report of version {} does not name its processor, so AMD cannot be asked",
                report.version);
  const snp::Tcb tcb = snp::tcb_of(report.reported_tcb, *product);
  KdsRequest out;
  out.product = name_of(*product);
  out.chip_id = to_bytes(report.chip_id);
  out.tcb = {tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode, tcb.fmc};
  return out;
}

Result<std::string> vcek_url(std::string_view base, const KdsRequest& request)
{
  if (std::find(products.begin(), products.end(), request.product) == products.end())
    return fail(Errc::unsupported, "AMD's service has no certificates for '{}'",
                printable(request.product));
  if (request.chip_id.size() != chip_id_size)
    return fail(Errc::malformed, "chip id of {} bytes (want {})", request.chip_id.size(),
                chip_id_size);
  if (std::all_of(request.chip_id.begin(), request.chip_id.end(), [](auto b) { return b == 0; }))
    return fail(Errc::unsupported, "the report hides its chip id: give its VCEK certificate");
  const bool turin = request.product == "Turin";
  const ByteView hwid = ByteView{request.chip_id}.first(turin ? turin_hwid_size : chip_id_size);
  if (turin != request.tcb.fmc.has_value())
    return fail(Errc::malformed, "an FMC version belongs to Turin only");
  const std::string fmc = turin ? fmt::format("fmcSPL={:02}&", *request.tcb.fmc) : "";
  return fmt::format("{}/vcek/v1/{}/{}?{}blSPL={:02}&teeSPL={:02}&snpSPL={:02}&ucodeSPL={:02}",
                     base, request.product, hex(hwid), fmc, request.tcb.bootloader, request.tcb.tee,
                     request.tcb.snp, request.tcb.microcode);
}

std::string kds_chain_url(std::string_view base, std::string_view product)
{
  return fmt::format("{}/vcek/v1/{}/cert_chain", base, product);
}

std::string kds_crl_url(std::string_view base, std::string_view product)
{
  return fmt::format("{}/vcek/v1/{}/crl", base, product);
}

Result<KdsChain> KdsSource::chain(const KdsRequest& request, Time at) const
{
  const std::string& base = service_.options().base;
  const std::string vcek = TRY(vcek_url(base, request));
  const SetCheck check = [&](const std::vector<Loaded>& answers) -> Status {
    Issuers issuers = TRY(read_issuers(answers.at(chain_part).entry));
    return prove_origin({to_bytes(answers.at(vcek_part).entry.body),
                         std::move(issuers.ask),
                         {},
                         to_bytes(answers.at(crl_part).entry.body)},
                        anchors_);
  };
  LoadedSet set = TRY(service_.load(wanted_for(base, request.product, vcek), at, check));
  Issuers issuers = TRY(read_issuers(set.answers.at(chain_part).entry));
  KdsChain out;
  out.vcek = to_bytes(set.answers.at(vcek_part).entry.body);
  out.ask = std::move(issuers.ask);
  out.ark = std::move(issuers.ark);
  out.crl = to_bytes(set.answers.at(crl_part).entry.body);
  out.from_network = count_from_network(set.answers);
  out.cache_problem = std::move(set.cache_problem);
  return out;
}

} // namespace dstack::fetch
