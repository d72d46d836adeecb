#include "cli/verify/session.hpp"

#include "cli/collateral.hpp"
#include "tee/sim_trust.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t max_root = std::size_t{64} << 10U;

Result<fetch::CollateralShelf::Sources>
sources_of(const TrustOptions& o, const Context& ctx, const dcap::Anchor& root, Session& session)
{
  fetch::CollateralShelf::Sources out;
  const config::Config config = TRY(load_config(ctx, o.settings));
  session.timeout = std::chrono::milliseconds{config.duration_ms("pccs.timeout")};
  out.update = TRY(as_usage(fetch::parse_update(o.update).within("--update")));
  out.anchor = root;
  if (!o.collateral.empty()) {
    const std::string text = TRY(sys::read_text(o.collateral, dcap::max_collateral));
    out.file = TRY(dcap::collateral_from_json(text).within("{}", o.collateral));
  }
  const fetch::Network network = o.offline ? fetch::Network::offline : fetch::Network::online;
  out.service = TRY(pcs_source(config, ctx, network, root));
  out.kds = TRY(kds_source(config, ctx, network));
  // Read only when it may count: not every machine has a simulated TEE.
  if (!session.question.policy.allow_simulated) return out;
  const auto trust = TRY(tee::read_sim_trust(ctx.dirs().data / "simulated-tee"));
  if (!trust) return out;
  out.simulated = TRY(dcap::collateral_from_json(trust->collateral).within("simulated TEE"));
  session.simulated_root = TRY(dcap::Anchor::from_file(trust->root).within("simulated TEE"));
  return out;
}

} // namespace

void add_trust_options(Leaf& leaf, TrustOptions& o)
{
  leaf.file("--collateral", o.collateral, "Collateral to judge with, instead of fetching it")
      .group("Collateral");
  leaf.flag("--offline", o.offline, "Never touch the network: only what is cached")
      .group("Collateral");
  o.settings.add(leaf, "--pccs", "pccs.url").group("Collateral");
  leaf.option("--update", o.update, "WHICH",
              "TCB evaluation: standard, early, or an evaluation number")
      .fallback("standard")
      .group("Collateral");
  leaf.file("--root", o.root, "Root certificate to trust instead of Intel's (DER or PEM)")
      .group("Collateral");
}

Result<Session> open_session(const TrustOptions& o, verify::Question question, const Context& ctx)
{
  Session out;
  out.question = std::move(question);
  if (!o.root.empty())
    out.root =
        TRY(dcap::Anchor::from_file(TRY(sys::read_file(o.root, max_root))).within("{}", o.root));
  out.shelf = std::make_shared<fetch::CollateralShelf>(TRY(sources_of(o, ctx, out.root, out)));
  if (out.root.vendor() == dcap::simulated_vendor) out.simulated_root.reset();
  return out;
}

report::TextStyle report_style(Context& ctx)
{
  report::TextStyle out;
  out.verbose = ctx.ui().style().verbose;
  out.paint = [&ctx](report::Tone tone, std::string_view text) {
    constexpr std::array tones{Tone::plain, Tone::good, Tone::warn,
                               Tone::bad,   Tone::dim,  Tone::bold};
    return ctx.ui().paint_out(tones.at(static_cast<std::size_t>(tone)), text);
  };
  return out;
}

} // namespace dstack::cli
