#pragma once
/// Collateral for Intel quotes from PCS or a PCCS, by way of the cache.

#include "dcap/collateral.hpp"
#include "fetch/cached_service.hpp"
#include "fetch/pcs_request.hpp"

namespace dstack::fetch {

/// Collateral with where it came from. Nothing in it is verified.
struct FetchedCollateral {
  dcap::Collateral collateral{};
  std::size_t from_network = 0; ///< of its four parts
  std::string cache_problem{};  ///< why it could not be kept, empty when it was
};

class PcsSource {
public:
  /// options.base as service_base() gives it.
  PcsSource(CollateralCache cache, ServiceOptions options)
      : service_(std::move(cache), std::move(options))
  {
  }

  /// TCB info, QE identity, PCK CRL and root CRL, not expired at that time (offline: as cached).
  /// Any thread may ask.
  Result<FetchedCollateral> collateral(const PcsRequest& request, Time at) const;
  /// PEM chain, leaf first, of a platform that names itself by its encrypted PPID.
  Result<std::string> pck_certificate_chain(const PckRequest& request, Time at) const;

private:
  CachedService service_;
};

} // namespace dstack::fetch
