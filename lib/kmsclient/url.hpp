#pragma once
/// Addresses of KMS instances and gateways, as sys-config and the command line give them.

#include "base/bytes.hpp"

#include <cstdint>

namespace dstack::kmsclient {

inline constexpr std::size_t max_url = 1024;
inline constexpr std::size_t max_urls = 16;

struct Url {
  std::string text{}; ///< "https://kms.example.com:8000"; no slash at the end, no "/prpc"
  std::string host{}; ///< a name, or an address without brackets
  std::uint16_t port = 443;
  std::string path{}; ///< what stands before "/prpc", usually nothing
};

/// https only: the temporary CA is no secret, but keys must not travel in the clear. Nobody's name,
/// query or fragment may be in it. "/prpc" at the end is what other agents store, and is dropped.
/// whose: for messages.
Result<Url> parse_url(std::string_view text, std::string_view whose = "KMS");
/// One after the other; at least one, at most max_urls.
Result<std::vector<Url>> parse_urls(const std::vector<std::string>& texts,
                                    std::string_view whose = "KMS");

} // namespace dstack::kmsclient
