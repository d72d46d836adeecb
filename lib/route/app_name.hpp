#pragma once
/// Names of apps at a gateway: <id>[-<port>][s|g].<domain> (spec gateway 9.4).

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dstack::route {

/// What the gateway does with the TLS of a connection.
enum class Mode {
  terminate,    ///< no suffix: decrypted here, any protocol inside
  terminate_h2, ///< "g": decrypted here, HTTP/2 agreed on (gRPC)
  passthrough   ///< "s": the app holds the certificate
};
std::string_view name_of(Mode mode);

/// The first label of a name.
struct AppLabel {
  std::string id{}; ///< of an app or of an instance
  std::uint16_t port = 0;
  Mode mode = Mode::terminate;
  bool operator==(const AppLabel&) const = default;
};

/// "a", "a-8080", "a-443s", "a-50051g". Without a port: 443 for "s", else 80. Only a suffix behind
/// a dash is one: the id itself may end in "s" or "g". Errc::malformed for anything else.
Result<AppLabel> parse_app_label(std::string_view label);

/// The label of a name directly below one of the domains (both in lower case), and that domain, as
/// parts of host.
/// Nothing for names that are elsewhere: those are custom domains. Whether a certificate for the
/// domain is at hand does not matter here.
struct NameBelow {
  std::string_view label{};
  std::string_view domain{};
};
std::optional<NameBelow> name_below(std::string_view host, const std::vector<std::string>& domains);

} // namespace dstack::route
