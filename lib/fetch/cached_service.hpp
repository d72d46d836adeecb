#pragma once
/// Answers of one service: from the cache while they are young and in date, else from the network.
/// A set of answers is kept as a whole or not at all, so that a bad one never replaces a good one.

#include "fetch/collateral_cache.hpp"
#include "fetch/service_client.hpp"

namespace dstack::fetch {

enum class Network {
  online,
  offline ///< the cache alone, however old; its dates are for the verifier to judge
};

struct ServiceOptions {
  std::string base{}; ///< as service_base() gives it
  Network network = Network::online;
  std::chrono::milliseconds timeout{30'000};           ///< for one set of answers, waiting included
  std::chrono::milliseconds refresh_after{86'400'000}; ///< age at which the service is asked again
  Stop stop{};
};

enum class Lifetime {
  refreshed, ///< asked for anew at ServiceOptions::refresh_after
  fixed      ///< the same question has the same answer until it expires
};

/// One answer of a set.
struct Wanted {
  std::string what{}; ///< "TCB info", for messages
  ServiceRequest request{};
  std::vector<std::string> headers{}; ///< names in lower case, of the headers to keep
  /// Last Unix second at which the answer is of use; an error when it is not one at all.
  std::function<Result<std::int64_t>(const CacheEntry&)> use_until{};
  Lifetime lifetime = Lifetime::refreshed;
};

enum class Origin { cache, network };

struct Loaded {
  CacheEntry entry{};
  Origin origin = Origin::cache;
};

struct LoadedSet {
  std::vector<Loaded> answers{}; ///< in the order of what was wanted
  std::string cache_problem{};   ///< why nothing could be kept, empty when it was
};

std::size_t count_from_network(const std::vector<Loaded>& answers);

/// Whether answers belong together and come from where they should; empty: nobody asks.
using SetCheck = std::function<Status(const std::vector<Loaded>&)>;

class CachedService {
public:
  CachedService(CollateralCache cache, ServiceOptions options)
      : cache_(std::move(cache)), options_(std::move(options)), client_(options_.stop)
  {
  }

  const ServiceOptions& options() const { return options_; }
  /// Every answer, in date at the given point in time and good by the check; a set from the cache
  /// that is not is fetched anew. Offline: whatever is cached, unchecked.
  Result<LoadedSet> load(const std::vector<Wanted>& wanted, Time at, const SetCheck& check) const;

private:
  enum class From { cache_first, network_only };

  Result<std::vector<Loaded>> gather(const std::vector<Wanted>& wanted,
                                     Time at,
                                     From from,
                                     const sys::Deadline& deadline) const;
  std::string keep(const std::vector<Loaded>& answers) const;
  std::optional<CacheEntry> cached(const Wanted& wanted, Time at) const;
  Result<CacheEntry> fetched(const Wanted& wanted, Time at, const sys::Deadline& deadline) const;

  CollateralCache cache_;
  ServiceOptions options_;
  ServiceClient client_;
};

} // namespace dstack::fetch
