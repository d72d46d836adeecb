#pragma once
/// What a gateway publishes about its certificates' keys (spec gateway 3 AcmeInfoResponse,
/// 13, 15.6).

#include "base/bytes.hpp"

#include <vector>

namespace dstack::transparency {

inline constexpr std::size_t max_acme_info = std::size_t{64} << 20U;
inline constexpr std::size_t max_keys = 10'000;

struct QuotedKey {
  Bytes spki{};              ///< SubjectPublicKeyInfo, DER
  std::string quote{};       ///< JSON text of the guest agent's GetQuote, or empty
  std::string attestation{}; ///< JSON text of its Attest, or empty
};
struct AcmeInfo {
  std::string account_uri{};
  std::vector<QuotedKey> keys{};
  std::string account_quote{};
  std::string account_attestation{};
};
/// hist_keys, which older gateways list without quotes, prove nothing and are passed over.
Result<AcmeInfo> parse_acme_info(std::string_view json);

/// SHA-512 of "zt-cert:" and the key: the report data that vouches for it.
std::array<std::uint8_t, 64> key_report_data(ByteView spki);
/// SHA-512 of "acme-account:" and the URL.
std::array<std::uint8_t, 64> account_report_data(std::string_view account_uri);

} // namespace dstack::transparency
