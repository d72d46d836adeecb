#pragma once
/// The bearer token dance of registries (distribution token authentication specification).

#include "base/result.hpp"

#include <string>

namespace dstack::oci {

struct TokenChallenge {
  std::string realm{};
  std::string service{};
  std::string scope{};
};

/// From a WWW-Authenticate value: Bearer realm="…",service="…",scope="…".
Result<TokenChallenge> parse_challenge(std::string_view header);
/// The realm with service and scope as query; only https, or http for a loopback realm.
Result<std::string> token_url(const TokenChallenge& challenge, std::string_view fallback_scope);

} // namespace dstack::oci
