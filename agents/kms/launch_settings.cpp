#include "agents/kms/launch_settings.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace dstack::kmsnode {

Result<LaunchSettings> launch_settings(const codec::Json& config)
{
  constexpr std::array<std::string_view, 7> known{
      "agent",      "passphrase_file", "simulated_tee",   "listen",
      "custodians", "threshold",       "shares_directory"};
  for (const auto& [key, value] : config.members())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(Errc::config, "configuration: unknown key '{}'", printable(key));
  LaunchSettings out;
  out.agent = TRY(config.get_string("agent", ""));
  out.passphrase_file = TRY(config.get_string("passphrase_file", ""));
  out.simulated_tee = TRY(config.get_string("simulated_tee", ""));
  out.listen = TRY(config.get_string("listen", ""));
  if (config.find("custodians") != nullptr) out.custodians = TRY(config.get_strings("custodians"));
  out.threshold = TRY(config.get_u64("threshold", 0));
  out.shares_directory = TRY(config.get_string("shares_directory", ""));
  return out;
}

} // namespace dstack::kmsnode
