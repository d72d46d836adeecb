#pragma once
/// What a sealed KMS tells its custodians (GET /unseal), so that they send their shares to it and
/// to nobody else.

#include "codec/json.hpp"

namespace dstack::kmsapi {

inline constexpr std::size_t max_unseal_document = std::size_t{4} << 20U;
inline constexpr std::string_view unseal_schema = "dstack.kms.unseal/1";

using ShareKey = std::array<std::uint8_t, 32>; ///< X25519

struct UnsealDocument {
  std::array<std::uint8_t, 32> cluster{};
  ShareKey public_key{}; ///< shares are sealed to it
  Bytes attestation{};   ///< vouches for the key: see unseal_report_data
  std::uint64_t threshold = 0;
  std::uint64_t have = 0;
  std::vector<std::string> custodians{};
  std::vector<std::string> in{}; ///< whose shares have come in
};

codec::Json to_json(const UnsealDocument& document);
/// Nothing in it is believed because it could be read. Names are safe to print.
Result<UnsealDocument> parse_unseal(std::string_view text);

/// SHA-512 of "dstack-kms-unseal:" and the key.
std::array<std::uint8_t, 64> unseal_report_data(const ShareKey& key);

} // namespace dstack::kmsapi
