#pragma once
/// Where the collateral for a quote comes from: a file, the simulated TEE of this machine, or the
/// service of the settings through the cache. Shared by the threads of one command.

#include "cli/collateral.hpp"
#include "dcap/verify.hpp"

#include <map>
#include <mutex>

namespace dstack::cli {

class CollateralShelf {
public:
  struct Sources {
    std::optional<dcap::Collateral> file{};      ///< given with --collateral: nothing else is asked
    std::optional<dcap::Collateral> simulated{}; ///< of this machine's simulated TEE
    std::optional<fetch::PcsSource> service{};
    std::optional<dcap::Anchor> anchor{}; ///< whose chains the service is asked about
    fetch::TcbUpdate update{};
  };
  using Shared = std::shared_ptr<const dcap::Collateral>;

  explicit CollateralShelf(Sources sources) : sources_(std::move(sources)) {}

  /// Any thread may ask. An error is about what could not be had, never about the quote's worth.
  Result<Shared> collateral_for(const dcap::Quote& quote, bool simulated, Time at);

private:
  Result<dcap::Collateral> fetch_for(const dcap::Quote& quote, Time at);

  Sources sources_;
  std::mutex mutex_;
  std::map<std::string, Shared> kept_; ///< by what was asked for
};

} // namespace dstack::cli
