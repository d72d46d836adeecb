#pragma once
/// Where the collateral for a quote comes from: a file, the simulated TEE of this machine, or the
/// services of the settings through the cache. Shared by the threads of one process.

#include "crypto/hash.hpp"
#include "dcap/verify.hpp"
#include "fetch/kds.hpp"
#include "fetch/pcs.hpp"
#include "snp/verify.hpp"

#include <map>
#include <mutex>

namespace dstack::fetch {

class CollateralShelf {
public:
  struct Sources {
    std::optional<dcap::Collateral> file{};      ///< given: nothing else is asked
    std::optional<dcap::Collateral> simulated{}; ///< of this machine's simulated TEE
    std::optional<PcsSource> service{};
    std::optional<dcap::Anchor> anchor{}; ///< whose chains the service is asked about; with service
    TcbUpdate update{};
    std::optional<KdsSource> kds{}; ///< AMD's certificates
  };
  using Shared = std::shared_ptr<const dcap::HashedCollateral>;

  explicit CollateralShelf(Sources sources);

  /// Any thread may ask; one asks the service for a platform, others with the same question wait.
  /// Answers are kept for some minutes, refusals for one: a service runs for long.
  Result<Shared> collateral_for(const dcap::Quote& quote, bool simulated, Time at);

  /// AMD's certificates for a report that comes without; the cache on disk remembers them.
  Result<snp::Certificates> certificates_for(const snp::Report& report, Time at) const;

private:
  /// One question's answer.
  struct Place {
    std::mutex mutex{};
    std::optional<Result<Shared>> answer{};
    Time asked_at{};
  };

  Result<std::string> question_about(const dcap::Quote& quote);
  std::shared_ptr<Place> place_for(const std::string& question);
  Result<Shared> fetch_for(const dcap::Quote& quote, Time at);

  Sources sources_;
  Shared file_;
  Shared simulated_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Place>> places_;
  /// By the SHA-256 of chains that were proven: their dates are the verifier's.
  std::map<std::pair<dcap::TeeType, crypto::Sha256Digest>, std::string> questions_;
};

} // namespace dstack::fetch
