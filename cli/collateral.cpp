#include "cli/collateral.hpp"

#include "attest/evidence.hpp"
#include "base/calendar.hpp"
#include "fetch/quote_platform.hpp"
#include "fetch/service_url.hpp"

namespace dstack::cli {

namespace {

/// The Intel quote in evidence of any form.
Result<Bytes> read_quote(const std::string& path)
{
  const Bytes file = TRY(sys::read_file(path, attest::max_evidence));
  auto evidence = TRY(attest::recognise(file).within("{}", path));
  if (evidence.attestation.platform != attest::Platform::tdx)
    return fail(Errc::unsupported, "{}: {} has no Intel quote, which is what collateral is for",
                path, evidence.form);
  return std::move(evidence.attestation.quote);
}

fetch::CollateralCache cache_of(const Context& ctx)
{
  return fetch::CollateralCache{ctx.dirs().cache / "collateral"};
}

Result<fetch::ServiceOptions>
service_options(const config::Config& config, const config::Value& address, fetch::Network network)
{
  fetch::ServiceOptions out;
  out.base = TRY(fetch::service_base(address.text).within("{}", address.origin));
  out.network = network;
  out.timeout = std::chrono::milliseconds{config.duration_ms("pccs.timeout")};
  out.refresh_after = std::chrono::milliseconds{config.duration_ms("pccs.max_age")};
  return out;
}

struct Asked {
  fetch::PcsRequest request{};
  std::string fetched_chain{}; ///< PEM, when the quote has none of its own
};

Result<Asked> asked_by_quote(const CollateralOptions& o, const fetch::PcsSource& source, Time at)
{
  const auto update = TRY(fetch::parse_update(o.update));
  const Bytes raw = TRY(read_quote(o.quote));
  const dcap::Quote quote = TRY(dcap::parse_quote(raw).within("{}", o.quote));
  const fetch::PckSource origin = TRY(fetch::pck_source(quote).within("{}", o.quote));
  if (const auto* chain = std::get_if<std::string>(&origin))
    return Asked{TRY(fetch::request_for(*chain, quote.tee, update).within("{}", o.quote)), ""};
  const std::string chain =
      TRY(source.pck_certificate_chain(std::get<fetch::PckRequest>(origin), at));
  return Asked{TRY(fetch::request_for(chain, quote.tee, update)), chain};
}

Result<fetch::PcsRequest> asked_by_name(const CollateralOptions& o)
{
  fetch::PcsRequest out;
  out.fmspc = TRY(fetch::parse_fmspc(o.fmspc));
  out.tee = TRY(fetch::parse_tee(o.tee));
  out.ca = TRY(fetch::parse_pck_ca(o.ca));
  out.update = TRY(fetch::parse_update(o.update));
  return out;
}

Result<Asked> asked_for(const CollateralOptions& o, const fetch::PcsSource& source, Time at)
{
  if (!o.quote.empty() && !o.fmspc.empty())
    return fail(Errc::usage, "give a quote or --fmspc, not both");
  if (!o.quote.empty()) return asked_by_quote(o, source, at);
  if (o.fmspc.empty()) return fail(Errc::usage, "which collateral? give a quote or --fmspc");
  return Asked{TRY(asked_by_name(o)), ""};
}

} // namespace

void add_collateral_options(Leaf& leaf, CollateralOptions& o)
{
  leaf.option("--fmspc", o.fmspc, "HEX", "Platform family, 12 hex digits, instead of a quote")
      .group("Which set");
  leaf.option("--tee", o.tee, "WORD", "With --fmspc: the TEE")
      .choices({"tdx", "sgx"})
      .fallback("tdx")
      .group("Which set");
  leaf.option("--ca", o.ca, "WORD", "With --fmspc: who issues the platform's certificate")
      .choices({"platform", "processor"})
      .fallback("platform")
      .group("Which set");
  leaf.option("--update", o.update, "WHICH",
              "TCB evaluation: standard, early, or an evaluation number")
      .fallback("standard")
      .group("Which set");
  leaf.option("--at", o.at, "TIME", "Point in time it must be in date at (UTC); default is now");
  o.settings.add(leaf, "--pccs", "pccs.url").group("Service");
}

Result<Time> point_in_time(std::string_view text, const Context& ctx)
{
  constexpr std::uint64_t year_9999 = 253'402'300'799;
  if (text.empty()) return ctx.now();
  if (const auto seconds = parse_u64(text); seconds && *seconds <= year_9999)
    return Time{static_cast<std::int64_t>(*seconds) * 1000};
  const auto date = parse_utc(text);
  if (!date)
    return fail(Errc::usage, "'{}' is no point in time (2026-11-23T02:03:04Z or Unix seconds)",
                printable(text));
  return Time{*date * 1000};
}

Result<fetch::PcsSource> pcs_source(const config::Config& config,
                                    const Context& ctx,
                                    fetch::Network network,
                                    const dcap::Anchor& anchor)
{
  return fetch::PcsSource{cache_of(ctx),
                          TRY(service_options(config, config.value("pccs.url"), network)), anchor};
}

Result<fetch::KdsSource>
kds_source(const config::Config& config, const Context& ctx, fetch::Network network)
{
  return fetch::KdsSource{cache_of(ctx),
                          TRY(service_options(config, config.value("kds.url"), network)),
                          snp::amd_anchors()};
}

bool names_collateral(const CollateralOptions& options)
{
  return !options.quote.empty() || !options.fmspc.empty();
}

Result<NamedCollateral>
load_collateral(const CollateralOptions& o, Context& ctx, fetch::Network network)
{
  const config::Config config = TRY(load_config(ctx, o.settings));
  const Time at = TRY(point_in_time(o.at, ctx));
  const fetch::PcsSource source = TRY(pcs_source(config, ctx, network, dcap::Anchor::intel()));
  const Asked asked = TRY(asked_for(o, source, at));
  NamedCollateral out;
  out.request = asked.request;
  out.fetched = TRY(source.collateral(asked.request, at));
  out.fetched.collateral.pck_certificate_chain = asked.fetched_chain;
  if (!out.fetched.cache_problem.empty())
    ctx.ui().warn("not kept in the cache: " + out.fetched.cache_problem);
  return out;
}

} // namespace dstack::cli
