#pragma once
/// Collateral on the command line: how a set is named, and where it comes from.

#include "cli/settings.hpp"
#include "fetch/kds.hpp"
#include "fetch/pcs.hpp"

namespace dstack::cli {

/// Options that name one set of collateral.
struct CollateralOptions {
  SettingOptions settings;
  std::string quote;
  std::string fmspc;
  std::string tee = "tdx";
  std::string ca = "platform";
  std::string update = "standard";
  std::string at;
};

/// All but the quote, which some commands take as their argument and some as --quote.
void add_collateral_options(Leaf& leaf, CollateralOptions& options);

/// Unix seconds or "2026-11-23T02:03:04Z"; now when empty. Errors are Errc::usage.
Result<Time> point_in_time(std::string_view text, const Context& ctx);

/// The service of the settings, with the cache; what it answers must be signed under the anchor.
Result<fetch::PcsSource> pcs_source(const config::Config& config,
                                    const Context& ctx,
                                    fetch::Network network,
                                    const dcap::Anchor& anchor);

/// AMD's service of the settings, with the same cache.
Result<fetch::KdsSource>
kds_source(const config::Config& config, const Context& ctx, fetch::Network network);

/// A set, and what was asked for.
struct NamedCollateral {
  fetch::PcsRequest request{};
  fetch::FetchedCollateral fetched{};
};

/// True when the options name a set: a quote or an FMSPC.
bool names_collateral(const CollateralOptions& options);
/// Loads the set, with the PCK chain of a quote that carries none.
Result<NamedCollateral>
load_collateral(const CollateralOptions& options, Context& ctx, fetch::Network network);

} // namespace dstack::cli
