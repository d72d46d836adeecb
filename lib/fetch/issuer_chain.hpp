#pragma once
/// Certificate chains as the services put them into headers: PEM, percent-encoded (Intel PCS API
/// v4; RFC 3986 section 2.1).

#include "base/bytes.hpp"

namespace dstack::fetch {

inline constexpr std::size_t max_chain_header = std::size_t{64} << 10U;
inline constexpr std::size_t max_chain_certificates = 8;

/// The PEM text, exactly as encoded; '+' stays a plus. It must be certificates and nothing else;
/// whether they are worth anything is not asked here.
Result<std::string> decode_chain_header(std::string_view value);

} // namespace dstack::fetch
