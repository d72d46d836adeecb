#include "agents/gateway/launch_settings.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace dstack::gatewaynode {

Result<LaunchSettings> launch_settings(const codec::Json& config)
{
  constexpr std::array<std::string_view, 6> known{"agent",        "simulated_tee", "listen",
                                                  "proxy_listen", "vms_directory", "wireguard"};
  for (const auto& [key, value] : config.members())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(Errc::config, "configuration: unknown key '{}'", printable(key));
  LaunchSettings out;
  out.agent = TRY(config.get_string("agent", ""));
  out.simulated_tee = TRY(config.get_string("simulated_tee", ""));
  out.listen = TRY(config.get_string("listen", ""));
  if (config.find("proxy_listen") != nullptr)
    out.proxy_listen = TRY(config.get_strings("proxy_listen"));
  out.vms_directory = TRY(config.get_string("vms_directory", ""));
  out.wireguard = TRY(config.get_bool("wireguard", true));
  return out;
}

} // namespace dstack::gatewaynode
