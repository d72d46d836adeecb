#pragma once
/// DNS records by Cloudflare's API, version 4.

#include "certs/dns_provider.hpp"

namespace dstack::certs {

/// A page of a list, as the API answers it.
struct CloudflareZone {
  std::string id{};
  std::string name{}; ///< lower case
};
struct CloudflareRecord {
  std::string id{};
  std::string name{}; ///< lower case, without the last dot
  RecordData data{};
};
template <class Item> struct CloudflarePage {
  std::vector<Item> items{};
  std::uint64_t pages = 1; ///< in all
};
/// Errc::denied for an answer that says what went wrong.
Result<CloudflarePage<CloudflareZone>> parse_cloudflare_zones(std::string_view body);
/// Records of other types are passed over.
Result<CloudflarePage<CloudflareRecord>> parse_cloudflare_records(std::string_view body);
/// An answer to a change: done or not.
Status parse_cloudflare_done(std::string_view body);

std::unique_ptr<DnsProvider>
make_cloudflare(const CloudflareSettings& settings, std::uint32_t ttl_seconds, World world);

} // namespace dstack::certs
