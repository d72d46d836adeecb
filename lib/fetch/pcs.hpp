#pragma once
/// Collateral for Intel quotes from PCS or a PCCS, by way of the cache.

#include "dcap/anchor.hpp"
#include "dcap/collateral.hpp"
#include "fetch/cached_service.hpp"
#include "fetch/pcs_request.hpp"

namespace dstack::fetch {

/// Collateral with where it came from. Its signatures lead to the anchor (offline: not asked); all
/// else is the verifier's.
struct FetchedCollateral {
  dcap::Collateral collateral{};
  std::size_t from_network = 0; ///< of its four parts
  std::string cache_problem{};  ///< why it could not be kept, empty when it was
};

class PcsSource {
public:
  /// options.base as service_base() gives it.
  PcsSource(CollateralCache cache, ServiceOptions options, dcap::Anchor anchor)
      : service_(std::move(cache), std::move(options)), anchor_(std::move(anchor))
  {
  }

  /// TCB info, QE identity, PCK CRL and root CRL, not expired at that time (offline: as cached).
  /// Any thread may ask.
  Result<FetchedCollateral> collateral(const PcsRequest& request, Time at) const;
  /// PEM chain, leaf first, of a platform that names itself by its encrypted PPID.
  Result<std::string> pck_certificate_chain(const PckRequest& request, Time at) const;

private:
  CachedService service_;
  dcap::Anchor anchor_;
};

} // namespace dstack::fetch
