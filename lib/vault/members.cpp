#include "vault/members.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::vault {

using codec::Json;

Status only_members(const Json& json, std::initializer_list<std::string_view> known)
{
  if (!json.is_object()) return fail(Errc::malformed, "this is no object");
  for (const auto& [name, value] : json.members())
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(Errc::malformed, "unknown member '{}'", printable(name));
  return ok();
}

Status need_schema(const Json& json, std::string_view schema)
{
  const std::string seen = TRY(json.need_string("schema"));
  if (seen == schema) return ok();
  return fail(Errc::unsupported, "the schema is '{}' (want '{}')", printable(seen), schema);
}

Bytes document_text(const Json& json)
{
  return to_bytes(codec::write_json(json, {.indent = 2}) + "\n");
}

Result<Bytes> need_hex(const Json& json, std::string_view key)
{
  return parse_hex(TRY(json.need_string(key))).within("'{}'", key);
}

Json to_json(const Kdf& kdf)
{
  return Json::object()
      .set("name", "argon2id")
      .set("passes", kdf.cost.passes)
      .set("memory_bytes", kdf.cost.memory_bytes)
      .set("salt", hex(kdf.salt));
}

Result<Kdf> read_kdf(const Json& json)
{
  const Json& in = *TRY(json.need_object("kdf"));
  TRY(only_members(in, {"name", "passes", "memory_bytes", "salt"}).within("'kdf'"));
  if (TRY(in.need_string("name")) != "argon2id")
    return fail(Errc::unsupported, "'kdf': only argon2id is known");
  const std::uint64_t passes = TRY(in.need_u64("passes"));
  if (passes > UINT32_MAX) return fail(Errc::malformed, "'kdf': {} passes", passes);
  Kdf out;
  out.cost = {static_cast<std::uint32_t>(passes), TRY(in.need_u64("memory_bytes"))};
  out.salt = TRY(need_hex_array<std::tuple_size_v<crypto::PassphraseSalt>>(in, "salt"));
  return out;
}

Json& set_circle(Json& json, const Circle& circle)
{
  Json custodians = Json::array();
  for (const std::string& name : circle.custodians)
    custodians.push(name);
  Json commitments = Json::array();
  for (const crypto::RistrettoPoint& one : circle.commitments)
    commitments.push(hex(one.view()));
  return json.set("threshold", circle.threshold())
      .set("custodians", std::move(custodians))
      .set("commitments", std::move(commitments));
}

Result<Circle> read_circle(const Json& json)
{
  Circle out;
  out.custodians = TRY(json.get_strings("custodians"));
  const std::vector<std::string> commitments = TRY(json.get_strings("commitments"));
  if (commitments.size() > crypto::max_shares)
    return fail(Errc::malformed, "{} commitments", commitments.size());
  for (const std::string& one : commitments) {
    const Bytes raw = TRY(parse_hex(one).within("'commitments'"));
    out.commitments.push_back(TRY(crypto::RistrettoPoint::from_bytes(raw).within("'commitments'")));
  }
  if (TRY(json.need_u64("threshold")) != out.commitments.size())
    return fail(Errc::malformed, "the threshold is not the number of commitments");
  TRY(check_circle(out));
  return out;
}

} // namespace dstack::vault
