#include "rpc/wire.hpp"

#include "base/text.hpp"
#include "rpc/fields.hpp"

#include <algorithm>

namespace dstack::rpc {

using codec::Json;

namespace {

constexpr std::size_t max_depth = 8;
constexpr std::size_t max_items = 65'536;
constexpr std::size_t max_counts = 1024;

enum WireType : std::uint8_t { varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5 };

Result<std::uint64_t> read_varint(ByteReader& in)
{
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = TRY(in.u8());
    if (shift == 63 && byte > 1) break;
    out |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0) return out;
  }
  return fail(Errc::malformed, "a number of more than 64 bits");
}

Result<ByteView> read_delimited(ByteReader& in)
{
  const std::uint64_t size = TRY(read_varint(in));
  if (size > in.remaining()) return fail(Errc::malformed, "a field of {} bytes is cut off", size);
  return in.take(static_cast<std::size_t>(size));
}

Status skip(ByteReader& in, unsigned type)
{
  switch (type) {
  case varint:
    static_cast<void>(TRY(read_varint(in)));
    return ok();
  case fixed64:
    static_cast<void>(TRY(in.take(8)));
    return ok();
  case delimited:
    static_cast<void>(TRY(read_delimited(in)));
    return ok();
  case fixed32:
    static_cast<void>(TRY(in.take(4)));
    return ok();
  default:
    return fail(Errc::malformed, "wire type {}", type);
  }
}

bool is_number(FieldKind kind)
{
  return kind == FieldKind::boolean || kind == FieldKind::u64 || kind == FieldKind::i64;
}

bool is_list(FieldKind kind)
{
  return kind == FieldKind::texts || kind == FieldKind::bytes_list || kind == FieldKind::messages;
}

/// Of a map (protobuf language guide, "Maps": the same as repeated messages).
const std::vector<Field>& count_fields()
{
  static const std::vector<Field> fields = {{1, "key", FieldKind::u64},
                                            {2, "value", FieldKind::u64}};
  return fields;
}

Result<Json> read_fields(const std::vector<Field>& fields, ByteView data, std::size_t depth);

Result<Json> read_value(const Field& field, ByteReader& in, std::size_t depth)
{
  if (is_number(field.kind)) {
    const std::uint64_t number = TRY(read_varint(in));
    if (field.kind == FieldKind::boolean) return Json{number != 0};
    if (field.kind == FieldKind::i64) return Json{static_cast<std::int64_t>(number)};
    return Json{number};
  }
  const ByteView raw = TRY(read_delimited(in));
  switch (field.kind) {
  case FieldKind::bytes:
  case FieldKind::bytes_list:
    return Json{hex(raw)};
  case FieldKind::message:
  case FieldKind::messages:
    return read_fields(field.members, raw, depth + 1);
  case FieldKind::counts:
    return read_fields(count_fields(), raw, depth + 1);
  default:
    if (!is_utf8(as_text(raw))) return fail(Errc::malformed, "text that is not UTF-8");
    return Json{as_text(raw)};
  }
}

Result<Json> read_fields(const std::vector<Field>& fields, ByteView data, std::size_t depth)
{
  if (depth > max_depth) return fail(Errc::malformed, "messages nested too deep");
  Json out = defaults_of(fields);
  ByteReader in{data};
  while (in.remaining() > 0) {
    const std::uint64_t tag = TRY(read_varint(in));
    const auto type = static_cast<unsigned>(tag & 7U);
    const std::uint64_t number = tag >> 3U;
    if (number == 0 || number >= (std::uint64_t{1} << 29U))
      return fail(Errc::malformed, "field number {}", number);
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& one) { return one.number == number; });
    const bool wanted =
        field != fields.end() && type == (is_number(field->kind) ? varint : delimited);
    if (!wanted) {
      TRY(skip(in, type));
      continue;
    }
    Json value = TRY(read_value(*field, in, depth).within("{}", field->name));
    // defaults_of made the members in the order of the fields.
    Json& list = out.members()[static_cast<std::size_t>(field - fields.begin())].second;
    if (field->kind == FieldKind::counts) {
      if (list.members().size() >= max_counts)
        return fail(Errc::malformed, "{} is too long", field->name);
      list.set(fmt::format("{}", TRY(value.need_u64("key"))), *value.find("value"));
      continue;
    }
    if (!is_list(field->kind)) {
      list = std::move(value);
      continue;
    }
    if (list.items().size() >= max_items)
      return fail(Errc::malformed, "{} is too long", field->name);
    list.push(std::move(value));
  }
  return out;
}

void put_varint(ByteWriter& out, std::uint64_t value)
{
  for (; value >= 0x80U; value >>= 7U)
    out.u8(static_cast<std::uint8_t>(value | 0x80U));
  out.u8(static_cast<std::uint8_t>(value));
}

void put_delimited(ByteWriter& out, const Field& field, ByteView content)
{
  put_varint(out, (std::uint64_t{field.number} << 3U) | delimited);
  put_varint(out, content.size());
  out.put(content);
}

Result<Bytes> content_of(const Field& field, const Json& value)
{
  switch (field.kind) {
  case FieldKind::bytes:
  case FieldKind::bytes_list:
    return parse_hex(TRY(value.as_string()));
  case FieldKind::message:
  case FieldKind::messages:
    return write_message(field.members, value);
  default:
    return to_bytes(TRY(value.as_string()));
  }
}

Status put_number(ByteWriter& out, const Field& field, const Json& value)
{
  std::uint64_t number = 0;
  if (field.kind == FieldKind::boolean)
    number = TRY(value.as_bool()) ? 1 : 0;
  else if (field.kind == FieldKind::i64)
    number = static_cast<std::uint64_t>(TRY(value.as_i64()));
  else
    number = TRY(value.as_u64());
  if (number == 0 && field.need == Need::defaulted) return ok();
  put_varint(out, (std::uint64_t{field.number} << 3U) | varint);
  put_varint(out, number);
  return ok();
}

Status put_counts(ByteWriter& out, const Field& field, const Json& counts)
{
  if (!counts.is_object()) return fail(Errc::malformed, "not an object");
  for (const auto& [name, count] : counts.members()) {
    const Json entry = Json{}.set("key", TRY(parse_u64(name))).set("value", count);
    put_delimited(out, field, TRY(write_message(count_fields(), entry)));
  }
  return ok();
}

Status put_member(ByteWriter& out, const Field& field, const Json& member)
{
  if (field.kind == FieldKind::counts) return put_counts(out, field, member);
  if (is_number(field.kind)) return put_number(out, field, member);
  if (is_list(field.kind)) {
    if (!member.is_array()) return fail(Errc::malformed, "not a list");
    for (const Json& item : member.items())
      put_delimited(out, field, TRY(content_of(field, item)));
    return ok();
  }
  const Bytes content = TRY(content_of(field, member));
  const bool kept = field.need == Need::optional || field.kind == FieldKind::message;
  if (!content.empty() || kept) put_delimited(out, field, content);
  return ok();
}

} // namespace

Result<Json> read_message(const std::vector<Field>& fields, ByteView data)
{
  return read_fields(fields, data, 0);
}

Result<Bytes> write_message(const std::vector<Field>& fields, const Json& value)
{
  ByteWriter out;
  if (value.is_null()) return out.take();
  if (!value.is_object()) return fail(Errc::malformed, "not an object");
  for (const Field& field : fields) {
    const Json* member = value.find(field.name);
    if (member == nullptr || member->is_null()) continue;
    TRY(put_member(out, field, *member).within("{}", field.name));
  }
  return out.take();
}

Bytes write_error(std::string_view text)
{
  ByteWriter out;
  put_delimited(out, {1, "error"}, as_bytes(text));
  return out.take();
}

} // namespace dstack::rpc
