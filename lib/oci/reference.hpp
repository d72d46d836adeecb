#pragma once
/// Image references as docker reads them (distribution reference grammar).

#include "base/result.hpp"

#include <string>

namespace dstack::oci {

inline constexpr std::size_t max_reference = 1024;

struct Reference {
  std::string registry;   ///< "docker.io", "localhost:5000", …
  std::string repository; ///< "library/nginx"
  std::string tag;        ///< may be empty
  std::string digest;     ///< "sha256:<64 hex>" or empty

  /// docker.io/library/nginx:1.27@sha256:…
  std::string canonical() const;
  /// Host of the registry's API: docker.io answers at registry-1.docker.io.
  std::string api_host() const;
  bool operator==(const Reference&) const = default;
};

/// Without tag and digest the tag is "latest".
Result<Reference> parse_reference(std::string_view text);
/// "sha256:" and 64 lower-case hex digits.
bool is_digest(std::string_view text);

} // namespace dstack::oci
