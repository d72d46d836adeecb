#include "etcd/messages.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

#include <charconv>

namespace dstack::etcd {

using codec::Json;

namespace {

constexpr codec::JsonLimits limits{max_answer, 12, 1'000'000};

/// Codes of gRPC (google.rpc.Code).
enum Code : std::uint64_t {
  not_found = 5,
  permission_denied = 7,
  out_of_range = 11,
  unauthenticated = 16,
};

Json text_of(ByteView bytes)
{
  return Json{base64(bytes)};
}

Json text_of(std::string_view key)
{
  return text_of(as_bytes(key));
}

Json text_of(std::int64_t number)
{
  return Json{fmt::format("{}", number)};
}

/// A 64-bit number: a string, or (small ones, by other gateways) a number; absent: 0.
Result<std::int64_t> number_at(const Json& in, std::string_view key)
{
  const Json* value = in.find(key);
  if (value == nullptr || value->is_null()) return std::int64_t{0};
  if (!value->is_string()) return value->as_i64().within("'{}'", key);
  const std::string& text = value->text();
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc{} && end == text.data() + text.size()) return out;
  return fail(Errc::malformed, "'{}' is no number: {}", key, printable(text.substr(0, 32)));
}

/// A revision, a lease or a time: never negative.
Result<std::int64_t> count_at(const Json& in, std::string_view key)
{
  const std::int64_t out = TRY(number_at(in, key));
  if (out >= 0) return out;
  return fail(Errc::malformed, "'{}' is {}", key, out);
}

Result<std::int64_t> revision_of(const Json& answer)
{
  return count_at(*TRY(answer.need_object("header")), "revision");
}

Result<KeyValue> key_value_of(const Json& in)
{
  KeyValue out;
  const Bytes key = TRY(parse_base64(TRY(in.need_string("key"))).within("key"));
  if (key.empty() || key.size() > max_key)
    return fail(Errc::malformed, "a key of {} bytes", key.size());
  out.key = to_text(key);
  out.value = TRY(parse_base64(TRY(in.get_string("value", ""))).within("value"));
  out.created = TRY(count_at(in, "create_revision"));
  out.changed = TRY(count_at(in, "mod_revision"));
  out.lease = TRY(number_at(in, "lease"));
  return out;
}

/// Members of a list that may be absent.
Result<const codec::JsonArray*> list_at(const Json& in, std::string_view key)
{
  static const codec::JsonArray none;
  const Json* list = in.find(key);
  if (list == nullptr || list->is_null()) return &none;
  if (!list->is_array()) return fail(Errc::malformed, "'{}' is no list", key);
  return &list->items();
}

Status add_key_values(const Json& in, std::vector<KeyValue>& out)
{
  for (const Json& one : *TRY(list_at(in, "kvs")))
    out.push_back(TRY(key_value_of(one)));
  return ok();
}

Json operation_json(const Put& put)
{
  Json out;
  out.set("key", text_of(put.key)).set("value", text_of(ByteView{put.value}));
  if (put.lease != 0) out.set("lease", text_of(put.lease));
  return Json{}.set("request_put", std::move(out));
}

Json operation_json(const Delete& one)
{
  return Json{}.set("request_delete_range", Json{}.set("key", text_of(one.key)));
}

Json reading_json(const Condition& one)
{
  return Json{}.set("request_range", Json{}.set("key", text_of(one.key)));
}

Json condition_json(const Condition& one)
{
  const bool created = one.of == Condition::Of::created || one.revision == 0;
  Json out;
  out.set("key", text_of(one.key)).set("result", "EQUAL");
  out.set("target", created ? "CREATE" : "MOD");
  return out.set(created ? "create_revision" : "mod_revision", text_of(one.revision));
}

/// Of a stream: {"result": …} or {"error": …}.
Result<Json> result_of(std::string_view line)
{
  Json out = TRY(codec::parse_json(line, limits));
  if (const Json* error = out.find("error"); error != nullptr && !error->is_null())
    return refusal(0, line);
  const Json* result = out.find("result");
  if (result == nullptr) return fail(Errc::malformed, "an answer without a result");
  return *result;
}

} // namespace

std::string range_request(const Range& what)
{
  Json out;
  out.set("key", text_of(what.key));
  if (!what.end.empty()) out.set("range_end", text_of(what.end));
  if (what.revision != 0) out.set("revision", text_of(what.revision));
  if (what.limit != 0) out.set("limit", fmt::format("{}", what.limit));
  return write_json(out);
}

std::string transaction_request(const Transaction& what)
{
  Json compare = Json::array();
  Json readings = Json::array();
  for (const Condition& one : what.conditions) {
    compare.push(condition_json(one));
    if (what.tells) readings.push(reading_json(one));
  }
  Json operations = Json::array();
  for (const auto& one : what.operations)
    operations.push(std::visit([](const auto& is) { return operation_json(is); }, one));
  Json out;
  out.set("compare", std::move(compare));
  out.set("success", what.operations.empty() ? readings : std::move(operations));
  return write_json(out.set("failure", std::move(readings)));
}

std::string grant_request(std::int64_t seconds)
{
  return write_json(Json{}.set("TTL", text_of(seconds)));
}

std::string lease_request(std::int64_t id)
{
  return write_json(Json{}.set("ID", text_of(id)));
}

std::string watch_request(const std::string& key, const std::string& end, std::int64_t from)
{
  Json out;
  out.set("key", text_of(key)).set("range_end", text_of(end)).set("start_revision", text_of(from));
  return write_json(Json{}.set("create_request", std::move(out)));
}

std::string authenticate_request(std::string_view user, std::string_view password)
{
  return write_json(Json{}.set("name", user).set("password", password));
}

Result<Found> parse_found(std::string_view body)
{
  const Json answer = TRY(codec::parse_json(body, limits));
  Found out;
  out.revision = TRY(revision_of(answer));
  TRY(add_key_values(answer, out.all));
  out.more = TRY(answer.get_bool("more", false));
  return out;
}

Result<Outcome> parse_outcome(std::string_view body)
{
  const Json answer = TRY(codec::parse_json(body, limits));
  Outcome out;
  out.revision = TRY(revision_of(answer));
  out.done = TRY(answer.get_bool("succeeded", false));
  for (const Json& one : *TRY(list_at(answer, "responses")))
    if (const Json* range = one.find("response_range")) TRY(add_key_values(*range, out.there));
  return out;
}

Result<Lease> parse_lease(std::string_view body)
{
  const std::string_view line = body.substr(0, body.find('\n'));
  const Json whole = TRY(codec::parse_json(line, limits));
  const Json* result = whole.find("result");
  const Json& answer = result == nullptr ? whole : *result;
  if (const Json* error = whole.find("error"); error != nullptr && !error->is_null())
    return refusal(0, line);
  Lease out;
  out.id = TRY(number_at(answer, "ID"));
  out.seconds = TRY(number_at(answer, "TTL"));
  if (out.seconds < 0) out.seconds = 0; // as some versions say it of one that is over
  if (out.id == 0) return fail(Errc::malformed, "a lease without a number");
  return out;
}

Result<Notice> parse_notice(std::string_view line)
{
  const Json result = TRY(result_of(line));
  Notice out;
  out.ended = TRY(result.get_bool("canceled", false));
  out.compacted = TRY(count_at(result, "compact_revision"));
  for (const Json& one : *TRY(list_at(result, "events"))) {
    Event event;
    const std::string type = TRY(one.get_string("type", "PUT"));
    if (type != "PUT" && type != "DELETE")
      return fail(Errc::malformed, "an event of type '{}'", printable(type.substr(0, 32)));
    event.deleted = type == "DELETE";
    event.item = TRY(key_value_of(*TRY(one.need_object("kv"))));
    if (event.item.changed == 0) return fail(Errc::malformed, "an event without a revision");
    out.events.push_back(std::move(event));
  }
  return out;
}

Result<std::string> parse_token(std::string_view body)
{
  return TRY(codec::parse_json(body, limits)).need_string("token");
}

Error refusal(int status, std::string_view body)
{
  constexpr std::size_t shown = 200;
  const auto answer = codec::parse_json(body, limits);
  const Json* error = answer ? answer->find("error") : nullptr;
  // Of a stream, an object with its own members.
  const Json& from = error != nullptr && error->is_object() ? *error : answer ? *answer : Json{};
  const auto message = from.get_string("message", "");
  const auto told = from.get_string("error", "");
  std::string text = message && !message->empty() ? *message : told ? *told : std::string{};
  if (text.empty() && answer) text = fmt::format("HTTP status {}", status);
  if (text.empty()) text = fmt::format("HTTP status {}: {}", status, trim(body.substr(0, shown)));
  text = printable(text.substr(0, shown));
  // Codes that say too little: of a token that a change of etcd's users made void, and of an answer
  // that etcd's JSON gateway cannot pass on (over 4 MiB; the same code as a full disk).
  for (const char* old : {"auth store is old", "revision in header is old"})
    if (text.find(old) != std::string::npos) return fail(Errc::denied, "etcd: {}", text);
  if (text.find("larger than max") != std::string::npos)
    return fail(Errc::unsupported, "etcd: {}", text);
  const auto code = from.get_u64(from.find("grpc_code") != nullptr ? "grpc_code" : "code", 0);
  switch (code ? *code : 0) {
  case not_found:
  case out_of_range: return fail(Errc::not_found, "etcd: {}", text);
  case permission_denied:
  case unauthenticated: return fail(Errc::denied, "etcd: {}", text);
  default: return fail(Errc::io, "etcd: {}", text);
  }
}

std::string end_of_prefix(std::string prefix)
{
  while (!prefix.empty()) {
    const auto last = static_cast<unsigned char>(prefix.back());
    if (last != 0xff) {
      prefix.back() = static_cast<char>(last + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return std::string(1, '\0'); // "all keys from there on" (rpc.proto, RangeRequest.range_end)
}

} // namespace dstack::etcd
