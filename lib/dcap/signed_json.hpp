#pragma once
/// Intel's signed documents: {"tcbInfo": <value>, "signature": "<hex>"}. The signature covers the
/// exact bytes of the value (spec verify 7.1), so the value is found, not parsed.

#include "base/bytes.hpp"

namespace dstack::dcap {

inline constexpr std::size_t max_signed_json = std::size_t{1} << 20U;

struct SignedJson {
  std::string_view text{}; ///< part of the body
  Bytes signature{};       ///< r || s, 64 bytes
};

/// The outer object must have exactly these two members, each once, in either order.
Result<SignedJson> split_signed_json(std::string_view body, std::string_view member);
/// 128 hex digits.
Result<Bytes> parse_signature_hex(std::string_view text);

} // namespace dstack::dcap
