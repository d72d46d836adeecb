#pragma once
/// Host names as clients ask for them.

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace dstack::route {

inline constexpr std::size_t max_host_name = 253; ///< RFC 1035 2.3.4, without the final dot
inline constexpr std::size_t max_host_label = 63;

enum class NameKind { dns, address, malformed };

/// What kind of text a client named. Underscores are allowed: names with them exist. A name that
/// ends in a number is no DNS name, but an attempt at an address (WHATWG URL 3.5).
NameKind kind_of(std::string_view host);

/// Lower case, without one final dot; Errc::malformed unless it is a DNS name.
Result<std::string> host_name(std::string_view text);

} // namespace dstack::route
