#include "tee/sealing_wire.hpp"

namespace dstack::tee {

using codec::Json;

namespace {

constexpr std::size_t max_box = 1024;
constexpr std::size_t max_quote = std::size_t{64} << 10U;

Result<Bytes> bytes_member(const Json& json, std::string_view key, std::size_t most)
{
  const Json& list = *TRY(json.need_array(key));
  if (list.items().size() > most)
    return fail(Errc::malformed, "{}: {} bytes (limit {})", key, list.items().size(), most);
  Bytes out;
  for (const Json& item : list.items()) {
    const std::uint64_t value = TRY(item.as_u64().within("{}", key));
    if (value > UINT8_MAX) return fail(Errc::malformed, "{}: {} is no byte", key, value);
    out.push_back(static_cast<std::uint8_t>(value));
  }
  return out;
}

} // namespace

Bytes sealing_request(ByteView quote)
{
  Json numbers = Json::array();
  for (const std::uint8_t byte : quote)
    numbers.push(std::int64_t{byte});
  const std::string text = codec::write_json(Json{}.set("quote", std::move(numbers)));
  return ByteWriter{}.u32be(static_cast<std::uint32_t>(text.size())).text(text).take();
}

Result<std::size_t> sealing_answer_size(ByteView prefix)
{
  ByteReader in{prefix};
  const std::uint32_t size = TRY(in.u32be());
  TRY(in.finish());
  if (size == 0 || size > max_sealing_answer)
    return fail(Errc::malformed, "a frame of {} bytes (want 1 to {})", size, max_sealing_answer);
  return std::size_t{size};
}

Result<SealingAnswer> parse_sealing_answer(std::string_view text)
{
  const Json json = TRY(codec::parse_json(text, {.max_bytes = max_sealing_answer}));
  SealingAnswer out;
  out.encrypted_key = TRY(bytes_member(json, "encrypted_key", max_box));
  out.provider_quote = TRY(bytes_member(json, "provider_quote", max_quote));
  return out;
}

} // namespace dstack::tee
