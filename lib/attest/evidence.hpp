#pragma once
/// Evidence in whatever form it comes: told apart by content, never by file name.

#include "attest/ratls.hpp"

namespace dstack::attest {

inline constexpr std::size_t max_evidence = std::size_t{16} << 20U;

struct Evidence {
  std::string form{}; ///< "attestation V1 in GetQuote JSON", for people
  Attestation attestation{};
  bool has_event_log = false;         ///< else there is only a quote or report
  std::optional<RaTls> certificate{}; ///< when it came in one; its attestation is the one above
  std::string app_compose{};          ///< app-compose.json's text, when an Info answer carried it
};

/// Raw or as hex (0x in front allowed) or base64 text, with white space around: an Intel quote
/// (version 3 to 5 and Intel's vendor id), an SEV-SNP report (1184 bytes, version 2 to 5), an
/// attestation blob, a certificate (DER or PEM), or JSON: the answers of GetQuote, Attest and Info,
/// and the reference verifier's request. Text that could be hex or base64 is taken as hex. With
/// both a quote and an attestation, JSON's attestation counts (spec host 6.2).
Result<Evidence> recognise(ByteView file);

} // namespace dstack::attest
