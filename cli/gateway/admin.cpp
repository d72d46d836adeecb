#include "cli/gateway/admin.hpp"

#include "cli/admin.hpp"
#include "sys/sockets.hpp"

namespace dstack::cli {

using codec::Json;

namespace {

constexpr std::chrono::milliseconds deadline{60'000}; // CAA records take a while

} // namespace

Result<gateway::Settings> read_gateway_settings(const sys::fs::path& directory)
{
  const auto text = sys::read_text(directory / "gateway.toml", gateway::max_settings);
  if (!text && text.error().code() == Errc::not_found)
    return fail(Errc::not_found,
                "{} has no gateway.toml: is it the directory of 'dstack gateway init'?",
                directory.string());
  return gateway::settings_from_toml(TRY(text), (directory / "gateway.toml").string());
}

Result<Json>
ask_gateway(const sys::fs::path& directory, std::string_view method, const Json& params)
{
  const gateway::Settings settings = TRY(read_gateway_settings(directory));
  const auto fd = sys::connect_unix(directory / settings.admin_socket);
  if (!fd)
    return fail(Errc::not_found, "no gateway runs from {} ('dstack gateway run {}' starts it)",
                directory.string(), directory.string());
  return ask_admin(fd->get(), "gateway", method, params, deadline);
}

Result<std::string> find_instance(const sys::fs::path& directory, std::string_view word)
{
  const Json status = TRY(ask_gateway(directory, "Status"));
  const std::string wanted = lower(word);
  std::vector<std::string> found;
  for (const Json& host : (*TRY(status.need_array("hosts"))).items()) {
    const std::string id = TRY(host.need_string("instance_id"));
    const std::string app = TRY(host.need_string("app_id"));
    if (id == wanted) return id;
    if (id.starts_with(wanted) || app.starts_with(wanted)) found.push_back(id);
  }
  if (found.empty() || wanted.empty())
    return fail(Errc::not_found, "no instance '{}' is registered", printable(word));
  if (found.size() == 1) return found[0];
  return fail(Errc::usage, "'{}' could be {}", printable(word), join(found, ", "));
}

} // namespace dstack::cli
