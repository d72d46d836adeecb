#include "agents/kms/admin.hpp"

#include "base/text.hpp"
#include "kmsapi/messages.hpp"
#include "sys/sockets.hpp"

#include <algorithm>

namespace dstack::kmsnode {

using codec::Json;

namespace {

constexpr unsigned owner_only = 0600;
constexpr std::size_t max_admin_request = std::size_t{64} << 10U;

net::ServerLimits limits()
{
  net::ServerLimits out;
  out.message.max_body_bytes = max_admin_request;
  return out;
}

/// There is no image cache here: images are judged by the policy's registers. Scripts that clear
/// one are told that it is empty now.
Result<Json> clear_image_cache(const Json& params)
{
  for (const char* key : {"image_hash", "config_hash"}) {
    const std::string value = TRY(params.get_string(key, ""));
    const bool good =
        value == "all" || std::all_of(value.begin(), value.end(),
                                      [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (!good) return fail(Errc::malformed, "invalid cache key");
  }
  return Json{};
}

Node::Done answer_status(rpc::Method::Done done)
{
  return [done = std::move(done)](const Status& what) {
    if (!what) return done(what.error());
    done(Json::object());
  };
}

} // namespace

Admin::Admin(sys::Loop& loop, Node& node)
    : node_(node), service_(service()),
      http_(std::make_unique<net::HttpServer>(
          loop, limits(), [this](const http::Request& request, const net::Responder& to) {
            rpc::answer(service_, request,
                        [to](http::Response response) { to.send(std::move(response)); });
          }))
{
}

rpc::Service Admin::service()
{
  using rpc::Method;
  const auto& none = kmsapi::messages::none();
  rpc::Service out;
  out.mount = "/prpc/";
  out.trimmed_prefix = "Admin.";
  out.methods["Status"] = Method{[this](const Json&) -> Result<Json> { return node_.status(); }};
  out.methods["Reload"] = Method{[this](const Json&) -> Result<Json> {
    TRY(node_.reload());
    return Json::object();
  }};
  out.methods["Lock"] = Method::later(none, none, [this](const Json&, Method::Done done) {
    node_.lock(answer_status(std::move(done)));
  });
  out.methods["Unlock"] =
      Method::later({{1, "passphrase", rpc::FieldKind::bytes}}, none,
                    [this](const Json& params, Method::Done done) {
                      const auto text = params.get_string("passphrase", "");
                      auto raw = text ? parse_hex(*text) : Result<Bytes>{text.error()};
                      if (!raw) return done(raw.error());
                      node_.unlock(SecretBytes{*std::move(raw)}, answer_status(std::move(done)));
                    });
  out.methods["Rotate"] = Method::later(none, none, [this](const Json&, Method::Done done) {
    node_.rotate(answer_status(std::move(done)));
  });
  out.methods["Sync"] =
      Method::later({{1, "url"}}, {{1, "added", rpc::FieldKind::u64}},
                    [this](const Json& params, Method::Done done) {
                      const auto url = params.get_string("url", "");
                      if (!url) return done(url.error());
                      node_.sync(*url, [done = std::move(done)](const Result<std::size_t>& added) {
                        if (!added) return done(added.error());
                        done(Json{}.set("added", std::uint64_t{*added}));
                      });
                    });
  out.methods["ClearImageCache"] =
      Method{kmsapi::messages::clear_image_cache(), none, clear_image_cache};
  return out;
}

Status Admin::listen()
{
  const sys::fs::path path = node_.below(node_.settings().admin_socket);
  return http_->serve(TRY(sys::listen_unix(path, owner_only).within("admin socket")));
}

} // namespace dstack::kmsnode
