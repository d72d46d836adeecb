#include "rpc/prpc.hpp"

namespace dstack::rpc {

using codec::Json;

namespace {

constexpr std::size_t max_body = std::size_t{10} << 20U; // spec guest 1.2

http::Response respond(int status, const Json& body, int indent)
{
  return {status,
          {{"Content-Type", "application/json"}},
          codec::write_json(body, {.indent = indent, .escape = codec::JsonEscape::ascii})};
}

http::Response refuse(std::string_view why)
{
  return respond(400, Json{}.set("error", why), 2);
}

/// GET: the query string is the request; repeated and indexed names become lists.
Result<Json> params_of_query(std::string_view query)
{
  Json out = Json::object();
  for (const http::Header& item : TRY(http::parse_query(query))) {
    if (item.name == "json") continue;
    const auto bracket = item.name.find('[');
    if (bracket == std::string::npos) {
      const bool is_bool = item.value == "true" || item.value == "false";
      out.set(item.name, is_bool ? Json{item.value == "true"} : Json{item.value});
      continue;
    }
    const std::string name = item.name.substr(0, bracket);
    const Json* old = out.find(name);
    Json list = old != nullptr && old->is_array() ? *old : Json::array();
    list.push(Json{item.value});
    out.set(name, std::move(list));
  }
  return out;
}

Result<Json> params_of(const http::Request& request)
{
  if (request.method == "GET") return params_of_query(request.query());
  if (request.body.empty()) return Json::object();
  Json body = TRY(codec::parse_json(request.body, {.max_bytes = max_body}));
  if (body.is_null()) return Json::object();
  if (!body.is_object()) return fail(Errc::malformed, "the request is not a JSON object");
  return body;
}

} // namespace

http::Response answer(const Service& service, const http::Request& request)
{
  std::string_view name = request.path();
  const bool mounted = name.starts_with(service.mount);
  if (mounted) name.remove_prefix(service.mount.size());
  const bool verb = request.method == "GET" || request.method == "POST";
  if (!mounted || !verb || name.empty() || name.find('/') != std::string_view::npos)
    return respond(404, Json{}.set("error", "no such path"), 2);
  while (!service.trimmed_prefix.empty() && name.starts_with(service.trimmed_prefix))
    name.remove_prefix(service.trimmed_prefix.size());
  const auto method = service.methods.find(name);
  if (method == service.methods.end()) return refuse(fmt::format("Service not found: {}", name));
  const auto params = params_of(request);
  if (!params) return refuse(params.error().message());
  const auto result = method->second(*params);
  if (!result) return refuse(result.error().message());
  return respond(200, *result, -1);
}

} // namespace dstack::rpc
