#pragma once
/// Certificates that exist for a domain, and whether their keys are known.

#include "base/bytes.hpp"

#include <cstdint>
#include <set>
#include <vector>

namespace dstack::transparency {

inline constexpr std::size_t max_feed = std::size_t{64} << 20U;
inline constexpr std::size_t max_entries = 20'000;

/// What a search of the logs lists (crt.sh's JSON); the certificate itself is asked for by its id.
struct FeedEntry {
  std::uint64_t id = 0;
  std::string logged_at{}; ///< "2026-11-30T01:02:03.456"
  std::vector<std::string> names{};
};
/// Newest first. Errc::malformed.
Result<std::vector<FeedEntry>> parse_feed(std::string_view json);

/// The name itself or one below it; "*." in front does not matter.
bool is_of_domain(std::string_view name, std::string_view domain);

struct SeenCertificate {
  std::string source{}; ///< "crt.sh 123", a file's name
  std::vector<std::string> names{};
  Bytes spki{};
  std::string subject{};
  std::int64_t not_before = 0; ///< Unix seconds
  std::int64_t not_after = 0;
};
/// The certificates for that domain in a file: DER, or PEM with any number of them; those for other
/// names, authorities among them, are passed over.
Result<std::vector<SeenCertificate>>
read_seen(std::string_view source, ByteView file, std::string_view domain);

/// SHA-256 of a key, as pins have it.
std::array<std::uint8_t, 32> key_hash(ByteView spki);

struct Comparison {
  std::vector<SeenCertificate> known{};
  std::vector<SeenCertificate> unknown{};
};
/// keys: hashes of those that are attested.
Comparison compare(std::vector<SeenCertificate> seen,
                   const std::set<std::array<std::uint8_t, 32>>& keys);

} // namespace dstack::transparency
