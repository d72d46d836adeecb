#include "rpc/prpc.hpp"

#include "base/text.hpp"
#include "rpc/fields.hpp"
#include "rpc/wire.hpp"

#include <algorithm>

namespace dstack::rpc {

using codec::Json;

namespace {

constexpr std::size_t max_body = std::size_t{10} << 20U; // spec guest 1.2
constexpr std::size_t max_query = std::size_t{16} << 10U;

http::Response respond(int status, const Json& body, int indent)
{
  return {status,
          {{"Content-Type", "application/json"}},
          codec::write_json(body, {.indent = indent, .escape = codec::JsonEscape::ascii})};
}

http::Response respond_protobuf(int status, ByteView message)
{
  return {status, {{"Content-Type", "application/octet-stream"}}, to_text(message)};
}

/// Error texts may quote what the client sent, which need not be text.
http::Response refuse(Encoding encoding, std::string_view why, int status = 400)
{
  const std::string text = is_utf8(why) ? std::string{why} : printable(why);
  if (encoding == Encoding::json) return respond(status, Json{}.set("error", text), 2);
  return respond_protobuf(status, write_error(text));
}

bool says_json(std::string_view query)
{
  const auto parameters = http::parse_query(query);
  return parameters &&
         std::any_of(parameters->begin(), parameters->end(), [](const http::Header& p) {
           return p.name == "json" && (p.value.empty() || p.value == "1" || p.value == "true");
         });
}

Result<Json> json_body(const http::Request& request)
{
  if (request.body.empty()) return Json::object();
  Json body = TRY(codec::parse_json(request.body, {.max_bytes = max_body}));
  if (!body.is_object()) return fail(Errc::malformed, "the request is not a JSON object");
  return body;
}

Result<Json> params_for(const Method& method, const http::Request& request, Encoding encoding)
{
  if (method.fields && method.fields->empty()) return Json::object();
  if (encoding == Encoding::protobuf) {
    if (!method.fields) return fail(Errc::unsupported, "this method takes JSON only");
    return read_message(*method.fields, as_bytes(request.body));
  }
  const Source source = request.method == "GET" ? Source::query : Source::json;
  if (source == Source::query && request.query().size() > max_query)
    return fail(Errc::malformed, "query of {} bytes", request.query().size());
  Json given = source == Source::query ? TRY(query_tree(request.query())) : TRY(json_body(request));
  return method.fields ? typed_request(*method.fields, given, source) : given;
}

} // namespace

std::optional<std::string_view>
method_name(std::string_view mount, std::string_view trimmed_prefix, const http::Request& request)
{
  std::string_view name = request.path();
  if (request.method != "GET" && request.method != "POST") return std::nullopt;
  if (!name.starts_with(mount)) return std::nullopt;
  name.remove_prefix(mount.size());
  if (name.empty() || name.find('/') != std::string_view::npos) return std::nullopt;
  while (!trimmed_prefix.empty() && name.starts_with(trimmed_prefix))
    name.remove_prefix(trimmed_prefix.size());
  return name;
}

http::Response refusal(const http::Request& request, int status, std::string_view why)
{
  return refuse(encoding_of(request), why, status);
}

Encoding encoding_of(const http::Request& request)
{
  if (request.method == "GET" || says_json(request.query())) return Encoding::json;
  // Protobuf never starts like an object: that would be a group, which proto3 does not have. So a
  // client that forgets the content type, as wget and curl do by default, is understood.
  if (trim(request.body).starts_with('{')) return Encoding::json;
  const std::string* type = request.header("Content-Type");
  if (type == nullptr) return Encoding::protobuf;
  const std::string_view media = trim(std::string_view{*type}.substr(0, type->find(';')));
  return lower(media) == "application/json" ? Encoding::json : Encoding::protobuf;
}

Method Method::later(std::vector<Field> request, std::vector<Field> answer_fields, RunLater action)
{
  Method out;
  out.fields = std::move(request);
  out.answer = std::move(answer_fields);
  out.run_later = std::move(action);
  return out;
}

void answer(const Service& service,
            const http::Request& request,
            std::function<void(http::Response)> send)
{
  const auto name = method_name(service.mount, service.trimmed_prefix, request);
  if (!name) return send(respond(404, Json{}.set("error", "no such path"), 2));
  const Encoding encoding = encoding_of(request);
  const auto method = service.methods.find(*name);
  if (method == service.methods.end())
    return send(refuse(encoding, fmt::format("Service not found: {}", *name)));
  const auto params = params_for(method->second, request, encoding);
  if (!params) return send(refuse(encoding, params.error().message()));
  // The service may be gone by the time the answer is there.
  auto done = [encoding, fields = method->second.answer,
               send = std::move(send)](const Result<Json>& result) {
    if (!result) return send(refuse(encoding, result.error().message()));
    if (encoding == Encoding::json) return send(respond(200, *result, -1));
    const auto message = write_message(fields, *result);
    if (!message) return send(refuse(encoding, "the answer: " + message.error().message()));
    send(respond_protobuf(200, *message));
  };
  if (method->second.run_later) return method->second.run_later(*params, std::move(done));
  done(method->second.run(*params));
}

http::Response answer(const Service& service, const http::Request& request)
{
  const auto given = std::make_shared<std::optional<http::Response>>();
  answer(service, request, [given](http::Response response) { *given = std::move(response); });
  if (*given) return **std::move(given);
  return refuse(encoding_of(request), "the answer has to be waited for");
}

} // namespace dstack::rpc
