#pragma once
/// Where time, chance and answers come from; tests have their own.

#include "base/text.hpp"
#include "fetch/http_client.hpp"

namespace dstack::certs {

struct World {
  std::function<Time()> now{}; ///< wall clock; may jump
  std::function<std::uint64_t()> random{};
  /// On other threads, several at once.
  std::function<Result<http::Response>(const fetch::ClientRequest&, const fetch::ClientLimits&)>
      send{};
};
World real_world();

} // namespace dstack::certs
