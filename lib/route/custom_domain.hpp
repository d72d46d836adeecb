#pragma once
/// Custom domains: which TXT records to ask for, and what the answers mean (spec gateway 9.5). The
/// look-ups themselves are the caller's.

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dstack::route {

inline constexpr std::string_view default_txt_prefix = "_dstack-app-address";
inline constexpr std::string_view legacy_txt_prefix = "_tapp-address";

enum class LegacyRecords { asked, ignored };

/// Names to ask for TXT; one that DNS could not hold is absent.
struct TxtQuestions {
  std::optional<std::string> exact{};
  std::optional<std::string> legacy{};   ///< asked at the same time as the exact one
  std::optional<std::string> wildcard{}; ///< asked when the others do not exist
};
/// host in lower case, as route::host_name returns it.
TxtQuestions txt_questions(std::string_view host, std::string_view prefix, LegacyRecords legacy);

/// What one look-up came to: the first character string of the first TXT record, or none.
struct TxtAnswer {
  enum class Kind { found, absent, failed } kind = Kind::absent;
  std::string first_string{};
};

struct CustomTarget {
  std::string id{}; ///< of an app or an instance
  std::uint16_t port = 0;
  bool operator==(const CustomTarget&) const = default;
};
/// "<app or instance id>:<port>".
Result<CustomTarget> parse_app_address(std::string_view text);

/// Of the exact and the legacy record: a target, nothing (then the wildcard decides), or an error:
/// a record that is there and wrong is never passed over.
Result<std::optional<CustomTarget>> judge_exact(const TxtAnswer& exact, const TxtAnswer& legacy);
/// Errc::not_found when there is no record; Errc::io when asking failed.
Result<CustomTarget>
judge_wildcard(std::string_view host, const TxtAnswer& exact, const TxtAnswer& wildcard);

} // namespace dstack::route
