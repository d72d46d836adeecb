#include "codec/json_list.hpp"
#include "guest/guest.hpp"

#include "base/text.hpp"
#include "guest/console.hpp"
#include "guest/log_stream.hpp"
#include "guest/shutdown.hpp"
#include "guest/system_info.hpp"

namespace dstack::guest {

namespace {

using codec::Json;

Json to_json(const Container& container)
{
  Json ports = Json::array();
  for (const PublishedPort& port : container.ports) {
    Json one;
    one.set("host_port", unsigned{port.host_port});
    one.set("container_port", unsigned{port.container_port});
    one.set("protocol", port.protocol);
    ports.push(std::move(one));
  }
  Json out;
  out.set("id", container.id)
      .set("names", codec::list_of(container.names))
      .set("image", container.image);
  out.set("image_id", container.image_id).set("created", container.created);
  out.set("state", container.state).set("status", container.status);
  out.set("service", container.service).set("ports", std::move(ports));
  return out;
}

/// What the host may know: what the world may, the version, and how it is with the gateway.
Result<Json> host_info(guestapi::Guest& api, const std::optional<Json>& gateway)
{
  Json out = TRY(api.evidence().public_info(api.demo_certificate()));
  if (gateway) out.set("gateway", *gateway);
  return std::move(out.set("version", guestapi::api_version));
}

Result<Json> host_quote(guestapi::Guest& api, const Json& params)
{
  const Bytes nonce = TRY(parse_hex(TRY(params.get_string("nonce", ""))).within("nonce"));
  return api.evidence().host_quote(nonce);
}

} // namespace

void Guest::serve_host(const std::string& method, const Json& params, const HostReply& reply)
{
  if (method == "Info" || method == "Quote") {
    if (!api_) return reply.finish(fail(Errc::not_found, "the VM is not measured yet"));
    if (method == "Quote") return reply.finish(host_quote(*api_, params));
    return reply.finish(host_info(*api_, gateway_status()));
  }
  if (method == "SysInfo") return reply.finish(system_info());
  if (method == "NetworkInfo") return reply.finish(network_info());
  if (method == "ListContainers") return list_containers(reply);
  if (method == "Logs") return serve_logs(params, reply);
  if (method == "Shutdown") {
    reply.finish(Json{});
    return request_shutdown();
  }
  reply.finish(fail(Errc::not_found, "the guest has no method {}", printable(method)));
}

void Guest::serve_logs(const Json& params, const HostReply& reply)
{
  if (!app_.public_logs)
    return reply.finish(
        fail(Errc::denied, "the app keeps its logs to itself (public_logs is false)"));
  const auto request = parse_log_request(params);
  if (!request) return reply.finish(request.error());
  stream_logs(runtime_->engine(), *request, files_.project, reply);
}

void Guest::list_containers(const HostReply& reply)
{
  const auto listed = [reply](const Result<http::Response>& response) {
    if (!response) return reply.finish(response.error());
    if (response->status != 200)
      return reply.finish(fail(Errc::io, "dockerd: {}", error_message(response->body)));
    const auto all = parse_containers(response->body);
    if (!all) return reply.finish(all.error());
    Json containers = Json::array();
    for (const Container& one : *all)
      containers.push(to_json(one));
    Json out;
    out.set("containers", std::move(containers));
    reply.finish(out);
  };
  const auto started = runtime_->engine().start(engine_request("GET", "/containers/json?all=1"),
                                                std::nullopt, nullptr, listed);
  if (!started) reply.finish(started.error());
}

/// In the middle of the boot nothing has to be ended in order; afterwards the app has.
void Guest::request_shutdown()
{
  stop_requested_ = true;
  if (!booted_) {
    console_stage(guest_name, "stopped by the host during the boot");
    host_->notify_surely("shutdown.progress", "powering off", std::chrono::milliseconds{1000});
    power_off_now();
  }
  loop_->stop();
}

void Guest::watch_app()
{
  AppWatch::Events events;
  events.ready = [this] {
    console_stage(guest_name, "app ready");
    host_->notify("app.ready", "");
  };
  events.failed = [this](const std::string& what) {
    failed_ = fail(Errc::io, "{}", what);
    loop_->stop();
  };
  events.died = [this](const std::string& what) {
    console_stage(guest_name, what);
    if (!stop_requested_) host_->notify("app.error", what);
  };
  const std::string address = config_.network ? config_.network->address : "127.0.0.1";
  watch_ = std::make_unique<AppWatch>(*loop_, runtime_->engine(), files_.project, address,
                                      std::move(events));
  watch_->start();
}

/// Ends well when a stop was asked for; a service that fails before the app is ready is an error.
Status Guest::serve_until_stopped()
{
  while (!stop_requested_ && !failed_)
    TRY(loop_->run());
  watch_.reset();
  if (failed_) return std::move(*failed_);
  return ok();
}

} // namespace dstack::guest
