#include "kmsapi/unseal.hpp"

#include "base/text.hpp"
#include "codec/json_list.hpp"
#include "crypto/hash.hpp"

namespace dstack::kmsapi {

using codec::Json;

namespace {

constexpr std::size_t max_names = 255;
constexpr codec::JsonLimits limits{max_unseal_document, 4, 4096};

Result<std::vector<std::string>> read_names(const Json& json, std::string_view key)
{
  auto out = TRY(json.get_strings(key));
  if (out.size() > max_names) return fail(Errc::malformed, "'{}': {} names", key, out.size());
  for (std::string& one : out)
    one = printable(one);
  return out;
}

} // namespace

Json to_json(const UnsealDocument& document)
{
  return Json{}
      .set("schema", unseal_schema)
      .set("cluster", hex(document.cluster))
      .set("public_key", hex(document.public_key))
      .set("attestation", hex(document.attestation))
      .set("threshold", document.threshold)
      .set("have", document.have)
      .set("custodians", codec::list_of(document.custodians))
      .set("in", codec::list_of(document.in));
}

Result<UnsealDocument> parse_unseal(std::string_view text)
{
  const Json json = TRY(codec::parse_json(text, limits));
  if (TRY(json.need_string("schema")) != unseal_schema)
    return fail(Errc::unsupported, "this is no {}", unseal_schema);
  UnsealDocument out;
  out.cluster = TRY(parse_hex_array<32>(TRY(json.need_string("cluster"))).within("'cluster'"));
  out.public_key =
      TRY(parse_hex_array<32>(TRY(json.need_string("public_key"))).within("'public_key'"));
  out.attestation = TRY(parse_hex(TRY(json.need_string("attestation"))).within("'attestation'"));
  out.threshold = TRY(json.need_u64("threshold"));
  out.have = TRY(json.need_u64("have"));
  out.custodians = TRY(read_names(json, "custodians"));
  out.in = TRY(read_names(json, "in"));
  return out;
}

std::array<std::uint8_t, 64> unseal_report_data(const ShareKey& key)
{
  return crypto::sha512(concat({as_bytes("dstack-kms-unseal:"), key}));
}

} // namespace dstack::kmsapi
