#pragma once
/// Where time, chance and answers come from; tests have their own.

#include "base/text.hpp"
#include "certs/turn.hpp"
#include "fetch/http_client.hpp"

#include <memory>

namespace dstack::certs {

struct World {
  std::function<Time()> now{}; ///< wall clock; may jump
  std::function<std::uint64_t()> random{};
  /// On other threads, several at once.
  std::function<Result<http::Response>(const fetch::ClientRequest&, const fetch::ClientLimits&)>
      send{};
  /// Of several nodes: a turn at a domain, at the account without one; on the loop's thread. Empty:
  /// this one is alone.
  std::function<std::shared_ptr<Turn>(const std::string& domain)> turn{};
};
World real_world();

} // namespace dstack::certs
