#include "transparency/acme_info.hpp"

#include "codec/json.hpp"
#include "crypto/hash.hpp"

namespace dstack::transparency {

namespace {

using codec::Json;

constexpr std::size_t max_spki = 4096;

Result<QuotedKey> parse_key(const Json& item)
{
  QuotedKey out;
  out.spki = TRY(parse_hex(TRY(item.need_string("public_key"))).within("public_key"));
  if (out.spki.empty() || out.spki.size() > max_spki)
    return fail(Errc::malformed, "public_key of {} bytes", out.spki.size());
  out.quote = TRY(item.get_string("quote", ""));
  out.attestation = TRY(item.get_string("attestation", ""));
  return out;
}

} // namespace

Result<AcmeInfo> parse_acme_info(std::string_view json)
{
  const codec::JsonLimits limits{max_acme_info, 8, 200'000};
  const Json all = TRY(codec::parse_json(json, limits));
  AcmeInfo out;
  out.account_uri = TRY(all.need_string("account_uri"));
  out.account_quote = TRY(all.get_string("account_quote", ""));
  out.account_attestation = TRY(all.get_string("account_attestation", ""));
  const Json* keys = all.find("quoted_hist_keys");
  if (keys == nullptr || keys->is_null()) return out;
  const auto& items = TRY(all.need_array("quoted_hist_keys"))->items();
  if (items.size() > max_keys) return fail(Errc::malformed, "{} keys", items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    out.keys.push_back(TRY(parse_key(items[i]).within("quoted_hist_keys: {}", i + 1)));
  return out;
}

std::array<std::uint8_t, 64> key_report_data(ByteView spki)
{
  return crypto::sha512(concat({as_bytes("zt-cert:"), spki}));
}

std::array<std::uint8_t, 64> account_report_data(std::string_view account_uri)
{
  return crypto::sha512(concat({as_bytes("acme-account:"), as_bytes(account_uri)}));
}

} // namespace dstack::transparency
