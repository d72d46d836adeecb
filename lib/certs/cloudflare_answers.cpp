// What Cloudflare answers: {"success":…,"errors":[…],"result":[…],"result_info":{…}}.
#include "base/text.hpp"
#include "certs/cloudflare.hpp"
#include "codec/json.hpp"

#include <algorithm>

namespace dstack::certs {

namespace {

using codec::Json;

constexpr codec::JsonLimits json_limits{std::size_t{1} << 20U, 16, 100'000};
constexpr std::size_t max_id = 64;
constexpr std::size_t max_texts = 500;

/// What may become part of a path.
bool is_id(std::string_view text)
{
  return !text.empty() && text.size() <= max_id &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

std::string errors_of(const Json& answer)
{
  std::string out;
  const Json* errors = answer.find("errors");
  if (errors != nullptr && errors->is_array())
    for (const Json& one : errors->items()) {
      const auto text = one.get_string("message", "");
      const auto code = one.get_u64("code", 0);
      out += fmt::format("{}{} ({})", out.empty() ? "" : "; ", text ? *text : "no message",
                         code ? *code : 0);
    }
  if (out.size() > max_texts) out.resize(max_texts);
  return out.empty() ? "no reason given" : printable(out);
}

Result<Json> parse_success(std::string_view body)
{
  Json answer = TRY(codec::parse_json(body, json_limits));
  if (!TRY(answer.get_bool("success", false))) return fail(Errc::denied, "{}", errors_of(answer));
  return answer;
}

std::string plain_name(std::string_view name)
{
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower(name);
}

/// Content comes with the quotes of zone files, or as it was given.
std::string unquoted(std::string_view text)
{
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string{text};
  std::string out;
  for (const char c : text)
    if (c != '"') out += c;
  const auto gap = out.find(' '); // between pieces of 255 bytes
  if (gap == 255) out.erase(gap, 1);
  return out;
}

Result<RecordData> caa_of(const Json& record)
{
  const Json* data = TRY(record.need_object("data"));
  const std::uint64_t flags = TRY(data->get_u64("flags", 0));
  if (flags > 255) return fail(Errc::malformed, "CAA flags {}", flags);
  acme::CaaRecord out;
  out.flags = static_cast<unsigned>(flags);
  out.tag = TRY(data->need_string("tag"));
  out.value = TRY(data->need_string("value"));
  return RecordData{std::move(out)};
}

Result<std::string> id_of(const Json& item)
{
  std::string id = TRY(item.need_string("id"));
  if (!is_id(id)) return fail(Errc::malformed, "'{}' is no id", printable(id));
  return id;
}

Result<std::uint64_t> pages_of(const Json& answer)
{
  const Json* info = answer.find("result_info");
  if (info == nullptr || info->is_null()) return std::uint64_t{1};
  return info->get_u64("total_pages", 1).within("result_info");
}

} // namespace

Status parse_cloudflare_done(std::string_view body)
{
  static_cast<void>(TRY(parse_success(body)));
  return ok();
}

Result<CloudflarePage<CloudflareZone>> parse_cloudflare_zones(std::string_view body)
{
  const Json answer = TRY(parse_success(body));
  CloudflarePage<CloudflareZone> out;
  out.pages = TRY(pages_of(answer));
  for (const Json& zone : TRY(answer.need_array("result"))->items()) {
    CloudflareZone one;
    one.id = TRY(id_of(zone).within("zone"));
    one.name = plain_name(TRY(zone.need_string("name").within("zone")));
    out.items.push_back(std::move(one));
  }
  return out;
}

Result<CloudflarePage<CloudflareRecord>> parse_cloudflare_records(std::string_view body)
{
  const Json answer = TRY(parse_success(body));
  CloudflarePage<CloudflareRecord> out;
  out.pages = TRY(pages_of(answer));
  for (const Json& record : TRY(answer.need_array("result"))->items()) {
    const std::string type = TRY(record.need_string("type").within("record"));
    if (type != "TXT" && type != "CAA") continue;
    CloudflareRecord one;
    one.id = TRY(id_of(record).within("record"));
    one.name = plain_name(TRY(record.need_string("name").within("record")));
    if (type == "TXT")
      one.data = unquoted(TRY(record.need_string("content").within("TXT record")));
    else
      one.data = TRY(caa_of(record).within("CAA record"));
    out.items.push_back(std::move(one));
  }
  return out;
}

} // namespace dstack::certs
