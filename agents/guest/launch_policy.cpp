#include "guest/launch_policy.hpp"

#include "base/text.hpp"
#include "compose/version_range.hpp"
#include "crypto/hash.hpp"
#include "guest/config_share.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

using codec::Json;

constexpr std::size_t min_token = 32;

Status check_os_version(const std::string& wanted, const std::string& is)
{
  if (TRY(compose::version_satisfies(wanted, is))) return ok();
  return fail(Errc::denied, "the guest OS is {} (the app wants {})", printable(is), wanted);
}

Status check_platforms(const std::vector<std::string>& wanted, const std::string& is)
{
  if (wanted.empty() || std::find(wanted.begin(), wanted.end(), is) != wanted.end()) return ok();
  return fail(Errc::denied, "this is {} (the app wants {})", is, join(wanted, ", "));
}

Status check_acpi_tables(bool wanted, const LaunchFacts& facts)
{
  if (facts.platform != "dstack-tdx") return ok();
  const Json config = TRY(codec::parse_json(facts.vm_config).within("vm_config"));
  const bool lite = TRY(config.get_string("tdx_attestation_variant", "legacy")) == "lite";
  if (wanted != lite) return ok();
  return fail(Errc::denied, "ACPI tables are {}measured here", lite ? "not " : "");
}

Result<std::string> token_of(const std::string& user_config)
{
  const Json root =
      TRY(codec::parse_json(user_config, {.max_bytes = max_user_config}).within(".user-config"));
  const Json* section = root.find("dstack");
  const Json* token = section == nullptr ? nullptr : section->find("launch_token");
  if (token == nullptr || !token->is_string())
    return fail(Errc::denied, ".user-config holds no text at /dstack/launch_token");
  return token->text();
}

Status check_token(ByteView wanted, const std::string& user_config)
{
  const std::string token = TRY(token_of(user_config));
  if (token.size() < min_token)
    return fail(Errc::denied, "a token of {} bytes (want at least {})", token.size(), min_token);
  if (crypto::equal_ct(compose::launch_token_hash(token), wanted)) return ok();
  return fail(Errc::denied, "the token of .user-config is not the app's");
}

Status check_gpus(const compose::Requirements& wanted, std::size_t gpus)
{
  if (!wanted.gpu_policy || gpus == 0) return ok();
  if (!TRY(wanted.gpu_policy->get_bool("attest_gpu", true))) return ok();
  return fail(Errc::denied, "{} GPUs, and this guest cannot attest one", gpus);
}

} // namespace

Status check_requirements(const compose::AppCompose& app, const LaunchFacts& facts)
{
  if (!app.requirements) return ok();
  const compose::Requirements& wanted = *app.requirements;
  if (wanted.os_version)
    TRY(check_os_version(*wanted.os_version, facts.os_version).within("requirements.os_version"));
  if (wanted.platforms)
    TRY(check_platforms(*wanted.platforms, facts.platform).within("requirements.platforms"));
  if (wanted.tdx_measure_acpi_tables)
    TRY(check_acpi_tables(*wanted.tdx_measure_acpi_tables, facts)
            .within("requirements.tdx_measure_acpi_tables"));
  if (wanted.launch_token_hash)
    TRY(check_token(*wanted.launch_token_hash, facts.user_config)
            .within("requirements.launch_token_hash"));
  return check_gpus(wanted, facts.display_pcis).within("requirements.gpu_policy");
}

} // namespace dstack::guest
