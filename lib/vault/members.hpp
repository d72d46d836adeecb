#pragma once
/// Members that the vault's documents share. All of them are strict: what is not known is refused.

#include "vault/custody.hpp"

namespace dstack::vault {

/// Errc::malformed for a member of another name.
Status only_members(const codec::Json& json, std::initializer_list<std::string_view> known);
/// Errc::unsupported for a document of another schema.
Status need_schema(const codec::Json& json, std::string_view schema);
/// A document as it is written.
Bytes document_text(const codec::Json& json);
/// Errors name the key.
Result<Bytes> need_hex(const codec::Json& json, std::string_view key);
template <std::size_t N>
Result<std::array<std::uint8_t, N>> need_hex_array(const codec::Json& json, std::string_view key)
{
  return parse_hex_array<N>(TRY(json.need_string(key))).within("'{}'", key);
}

struct Kdf {
  crypto::PassphraseCost cost{};
  crypto::PassphraseSalt salt{};
};
codec::Json to_json(const Kdf& kdf);
/// The member "kdf".
Result<Kdf> read_kdf(const codec::Json& json);

/// The members "threshold", "custodians" and "commitments".
codec::Json& set_circle(codec::Json& json, const Circle& circle);
Result<Circle> read_circle(const codec::Json& json);

} // namespace dstack::vault
