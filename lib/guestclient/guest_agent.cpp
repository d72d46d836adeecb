#include "guestclient/guest_agent.hpp"

#include "base/text.hpp"
#include "net/local_http.hpp"
#include "sys/sockets.hpp"

namespace dstack::guestclient {

using codec::Json;

namespace {

constexpr std::chrono::milliseconds deadline{15'000};
constexpr std::string_view unix_prefix = "unix:";
constexpr std::string_view http_prefix = "http://";

} // namespace

Result<GuestAgent> GuestAgent::at(const std::string& address)
{
  GuestAgent out;
  out.address_ = address;
  std::string_view rest = address;
  if (rest.starts_with(unix_prefix)) {
    out.path_ = rest.substr(unix_prefix.size());
    return out;
  }
  if (!rest.starts_with(http_prefix))
    return fail(Errc::config, "guest agent '{}' (want unix:/path or http://ADDRESS:PORT)",
                printable(address));
  rest.remove_prefix(http_prefix.size());
  while (rest.ends_with('/'))
    rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  const auto port =
      parse_u64(rest.substr(colon == std::string_view::npos ? rest.size() : colon + 1));
  if (!port || *port == 0 || *port > UINT16_MAX)
    return fail(Errc::config, "guest agent '{}' names no port", printable(address));
  out.host_ = rest.substr(0, colon);
  out.port_ = static_cast<std::uint16_t>(*port);
  return out;
}

Result<Json> GuestAgent::ask(std::string_view method, const Json& request) const
{
  const std::string what = fmt::format("guest agent {}", address_);
  const sys::Fd fd = path_.empty()
                         ? TRY(sys::connect_tcp(host_, port_, deadline).within("{}", what))
                         : TRY(sys::connect_unix(path_).within("{}", what));
  http::Request message;
  message.method = "POST";
  message.target = fmt::format("/{}", method);
  message.headers = {{"Content-Type", "application/json"}};
  message.body = codec::write_json(request);
  message.keep_alive = false;
  const http::Response answer =
      TRY(net::exchange(fd.get(), message, {deadline, {}}).within("{}", what));
  Json json = TRY(codec::parse_json(answer.body).within("{}", what));
  constexpr int good = 200;
  if (answer.status == good) return json;
  return fail(Errc::io, "{}: {}: {}", what, method,
              printable(TRY(json.get_string("error", "no reason given"))));
}

Result<std::string>
GuestAgent::field(std::string_view method, const Json& request, std::string_view name) const
{
  return TRY(ask(method, request)).need_string(name).within("guest agent {}", address_);
}

Result<Bytes> GuestAgent::attest(const ReportData& data) const
{
  const Json request = Json{}.set("report_data", hex(data));
  return parse_hex(TRY(field("Attest", request, "attestation"))).within("attestation");
}

Result<std::string> GuestAgent::vm_config() const
{
  return field("Info", Json::object(), "vm_config");
}

Result<std::string> GuestAgent::mr_aggregated() const
{
  const std::string text = TRY(field("Info", Json::object(), "tcb_info"));
  const Json tcb = TRY(codec::parse_json(text).within("tcb_info"));
  return tcb.need_string("mr_aggregated").within("tcb_info");
}

Result<std::string> agent_address(const std::string& set,
                                  const std::function<std::string(const char*)>& environment,
                                  std::string_view way_out)
{
  if (!set.empty()) return set;
  const std::string named = environment("DSTACK_AGENT_ADDRESS");
  if (!named.empty()) return named;
  std::error_code ignored;
  for (const char* path : {"/var/run/dstack/dstack.sock", "/var/run/dstack.sock"})
    if (sys::fs::exists(path, ignored)) return fmt::format("unix:{}", path);
  return fail(Errc::not_found, "no guest agent: /var/run/dstack.sock is not there. {}", way_out);
}

} // namespace dstack::guestclient
