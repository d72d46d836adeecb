#pragma once
/// Whether the servers of a zone show a record yet: asked themselves, because a resolver between
/// remembers for a while that there was none.

#include "base/result.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace dstack::certs {

/// One server of a zone at all its addresses ("192.0.2.1:53").
using ZoneServer = std::vector<std::string>;

/// Found through the resolvers (as net::resolve takes them): whoever serves the closest zone that
/// the name is in. Takes at most the deadline.
Result<std::vector<ZoneServer>> zone_servers(const std::string& name,
                                             const std::vector<std::string>& resolvers,
                                             std::chrono::milliseconds deadline);

struct WantedText {
  std::string name{};
  std::string value{};
};
/// True when every server that answers shows all of them, and one does. Takes at most the deadline.
bool all_show(const std::vector<ZoneServer>& servers,
              const std::vector<WantedText>& wanted,
              std::chrono::milliseconds deadline);

} // namespace dstack::certs
