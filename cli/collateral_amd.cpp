#include "cli/collateral_amd.hpp"

#include "attest/evidence.hpp"
#include "cli/collateral_view.hpp"
#include "x509/pss_certificate.hpp"

namespace dstack::cli {

namespace {

struct Part {
  std::string_view name{}; ///< "VCEK", for people
  std::string_view key{};  ///< "vcek", in JSON
  std::string detail{};
  std::int64_t from = 0; ///< Unix seconds
  std::int64_t to = 0;
};

Result<Part> certificate(std::string_view name, std::string_view key, ByteView der)
{
  const auto one = TRY(x509::PssCertificate::parse(der).within("{}", name));
  return Part{name, key, one.common_name(), one.not_before(), one.not_after()};
}

Result<std::vector<Part>> parts_of(const fetch::KdsChain& chain)
{
  std::vector<Part> out;
  out.push_back(TRY(certificate("VCEK", "vcek", chain.vcek)));
  out.push_back(TRY(certificate("ASK", "ask", chain.ask)));
  out.push_back(TRY(certificate("ARK", "ark", chain.ark)));
  const auto list = TRY(x509::PssRevocationList::parse(chain.crl).within("AMD CRL"));
  out.push_back({"AMD CRL", "crl", "revocation list", list.this_update(), list.next_update()});
  return out;
}

codec::Json to_json(const fetch::KdsRequest& request, const std::vector<Part>& parts)
{
  codec::Json out = codec::Json::object()
                        .set("schema", "dstack.collateral.fetch/1")
                        .set("tee", "sev-snp")
                        .set("product", request.product)
                        .set("chip_id", hex(request.chip_id));
  for (const Part& part : parts)
    out.set(part.key, codec::Json::object()
                          .set("name", part.detail)
                          .set("valid_from", date(part.from))
                          .set("valid_until", date(part.to)));
  return out;
}

std::string parts_text(const fetch::KdsRequest& request, const std::vector<Part>& parts, Time at)
{
  std::string out = fmt::format("{}, chip {}", request.product, hex(request.chip_id));
  for (const Part& part : parts)
    out += fmt::format("\n{:<12} {}\n             valid {} to {}{}", part.name, part.detail,
                       date(part.from), date(part.to), part.to < at.seconds() ? " (EXPIRED)" : "");
  return out;
}

} // namespace

Result<std::optional<snp::Report>> snp_report_in(const std::string& path)
{
  const Bytes file = TRY(sys::read_file(path, attest::max_evidence));
  const auto evidence = TRY(attest::recognise(file).within("{}", path));
  if (evidence.attestation.platform != attest::Platform::amd_sev_snp)
    return std::optional<snp::Report>{};
  return std::optional{TRY(snp::parse_report(evidence.attestation.quote).within("{}", path))};
}

Result<Exit> fetch_amd(const snp::Report& report,
                       const CollateralOptions& options,
                       Context& ctx,
                       fetch::Network network)
{
  const config::Config config = TRY(load_config(ctx, options.settings));
  const Time at = TRY(point_in_time(options.at, ctx));
  const fetch::KdsSource source = TRY(kds_source(config, ctx, network));
  const fetch::KdsRequest request = TRY(fetch::kds_request(report));
  const fetch::KdsChain chain = TRY(source.chain(request, at));
  if (!chain.cache_problem.empty()) ctx.ui().warn("not kept in the cache: " + chain.cache_problem);
  const std::vector<Part> parts = TRY(parts_of(chain));
  constexpr std::size_t answers = 3; // ASK and ARK come in one
  if (ctx.ui().json()) {
    codec::Json out = to_json(request, parts);
    out.set("from_network", std::uint64_t{chain.from_network})
        .set("from_cache", std::uint64_t{answers - chain.from_network});
    ctx.ui().document(out);
  } else if (!ctx.globals().quiet) {
    ctx.ui().line(parts_text(request, parts, at));
    ctx.ui().note(fmt::format("{} of {} answers from the network, the rest from the cache",
                              chain.from_network, answers));
  }
  return Exit::ok;
}

} // namespace dstack::cli
