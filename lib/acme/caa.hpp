#pragma once
/// CAA records (RFC 8659) that bind a domain to one account of one authority (RFC 8657), so that
/// nobody else gets a certificate for it.

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dstack::acme {

struct CaaRecord {
  unsigned flags = 0;
  std::string tag{}; ///< "issue", "issuewild", "iodef"
  std::string value{};
  /// As zone files have it: 0 issue "ca.example;…"
  std::string text() const;
  bool operator==(const CaaRecord&) const = default;
};

/// The same read back: flags up to 255, a tag, and a value in quotes or without.
Result<CaaRecord> parse_caa_record(std::string_view text);

/// For "issue" and "issuewild", one of each for every name the authority is known by (its
/// directory's caaIdentities). methods: "dns-01", …; none: any. Errc::malformed for parts that
/// cannot stand in a record.
Result<std::vector<CaaRecord>> pinned_caa_records(const std::vector<std::string>& authority_names,
                                                  std::string_view account_url,
                                                  const std::vector<std::string>& methods);

/// From what is there to what is wanted: first everything in add, then everything in remove. So
/// issuance is never blocked in between, and doing it again changes nothing. Records of other tags
/// stay.
struct CaaPlan {
  std::vector<CaaRecord> add{};
  std::vector<CaaRecord> remove{};
};
CaaPlan plan_caa(const std::vector<CaaRecord>& there, const std::vector<CaaRecord>& wanted);

} // namespace dstack::acme
