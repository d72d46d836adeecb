#include "acme/jws.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"

#include <algorithm>

namespace dstack::acme {

namespace {

using codec::Json;

constexpr std::size_t max_token = 512;

Json flattened(std::string header, std::string payload, std::string signature)
{
  return Json{}
      .set("protected", std::move(header))
      .set("payload", std::move(payload))
      .set("signature", std::move(signature));
}

} // namespace

std::string base64url(ByteView bytes)
{
  std::string out = base64(bytes);
  while (out.ends_with('='))
    out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

Result<Bytes> parse_base64url(std::string_view text)
{
  std::string standard{text};
  if (standard.find_first_of("+/=") != std::string::npos)
    return fail(Errc::malformed, "base64 where base64url without padding was wanted");
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  while (standard.size() % 4 != 0)
    standard += '=';
  return parse_base64(standard);
}

bool is_token(std::string_view text)
{
  return !text.empty() && text.size() <= max_token &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

Json public_jwk(const crypto::P256Key& key)
{
  const ByteView xy = key.public_xy();
  return Json{}
      .set("crv", "P-256")
      .set("kty", "EC")
      .set("x", base64url(xy.first(32)))
      .set("y", base64url(xy.last(32)));
}

std::string thumbprint(const crypto::P256Key& key)
{
  return base64url(crypto::sha256(as_bytes(write_json(public_jwk(key)))));
}

std::string
signed_request(const crypto::P256Key& key, const JwsHeader& header, std::string_view payload)
{
  Json all = Json{}.set("alg", "ES256");
  if (header.account_url.empty())
    all.set("jwk", public_jwk(key));
  else
    all.set("kid", header.account_url);
  all.set("nonce", header.nonce).set("url", header.url);
  const std::string first = base64url(as_bytes(write_json(all)));
  const std::string second = base64url(as_bytes(payload));
  const auto signature = key.sign_raw(as_bytes(fmt::format("{}.{}", first, second)));
  return write_json(flattened(first, second, base64url(signature)));
}

Json external_account_binding(const ExternalAccount& external,
                              const crypto::P256Key& key,
                              std::string_view new_account_url)
{
  const Json all =
      Json{}.set("alg", "HS256").set("kid", external.key_id).set("url", new_account_url);
  const std::string first = base64url(as_bytes(write_json(all)));
  const std::string second = base64url(as_bytes(write_json(public_jwk(key))));
  const auto mac =
      crypto::hmac_sha256(external.mac_key.view(), as_bytes(fmt::format("{}.{}", first, second)));
  return flattened(first, second, base64url(mac));
}

} // namespace dstack::acme
