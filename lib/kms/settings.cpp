#include "kms/settings.hpp"

#include "base/text.hpp"
#include "codec/toml_keys.hpp"
#include "kms/certificates.hpp"

#include <arpa/inet.h>
#include <limits>

namespace dstack::kms {

namespace {

using codec::Toml;
template <class T> using Key = codec::TomlKey<T>;

constexpr std::size_t max_domains = 64;
constexpr std::size_t max_peers = 255;

Status read_listen(const Toml& in, Settings& out)
{
  auto listen = parse_listen(TRY(codec::toml_string(in, "listen")));
  if (!listen) return fail(Errc::config, "line {}: {}", in.line, listen.error().message());
  out.listen = *std::move(listen);
  return ok();
}

Status read_domains(const Toml& in, Settings& out)
{
  out.domains = TRY(codec::toml_strings(in, "domains"));
  if (out.domains.empty() || out.domains.size() > max_domains)
    return fail(Errc::config, "line {}: {} domains (want 1 to {})", in.line, out.domains.size(),
                max_domains);
  for (const std::string& domain : out.domains) {
    const Status good = check_domain(domain);
    if (!good) return fail(Errc::config, "line {}: {}", in.line, good.error().message());
  }
  return ok();
}

Result<CustodianPeer> read_peer(const Toml& in)
{
  static const std::vector<Key<CustodianPeer>> keys{
      {"url",
       [](const Toml& v, CustodianPeer& out) -> Status {
         out.url = TRY(codec::toml_line(v, "url"));
         if (out.url.starts_with("https://")) return ok();
         return fail(Errc::config, "line {}: 'url' is no https:// address", v.line);
       },
       true},
      {"name",
       [](const Toml& v, CustodianPeer& out) -> Status {
         out.name = TRY(codec::toml_line(v, "name"));
         return ok();
       },
       true}};
  return codec::read_table(in, keys, "custody.peer", CustodianPeer{});
}

Status read_peers(const Toml& in, Settings& out)
{
  if (in.array() == nullptr)
    return codec::toml_mismatch(in, "custody.peer", "tables, each [[custody.peer]]");
  if (in.array()->size() > max_peers)
    return fail(Errc::config, "line {}: more than {} peers", in.line, max_peers);
  for (const Toml& item : *in.array())
    out.custodian_peers.push_back(TRY(read_peer(item).within("[[custody.peer]]")));
  return ok();
}

Status read_custody(const Toml& in, Settings& out)
{
  static const std::vector<Key<Settings>> keys{
      codec::line_key("passphrase_file", &Settings::passphrase_file), {"peer", read_peers}};
  out = TRY(codec::read_table(in, keys, "custody", std::move(out)).within("[custody]"));
  return ok();
}

Status read_collateral(const Toml& in, Settings& out)
{
  static const std::vector<Key<CollateralSettings>> keys{
      codec::url_key("pccs_url", &CollateralSettings::pccs_url),
      codec::url_key("kds_url", &CollateralSettings::kds_url),
      codec::file_key("directory", &CollateralSettings::directory),
      codec::bool_key("offline", &CollateralSettings::offline),
      codec::line_key("simulated_tee", &CollateralSettings::simulated_tee)};
  out.collateral =
      TRY(codec::read_table(in, keys, "collateral", out.collateral).within("[collateral]"));
  return ok();
}

Status read_limits(const Toml& in, Settings& out)
{
  constexpr std::uint64_t million = 1'000'000;
  static const std::vector<Key<ServerBounds>> keys{
      codec::number_key("connections", &ServerBounds::connections, {1, million}),
      codec::number_key("per_address", &ServerBounds::per_address, {0, million}),
      codec::number_key("requests_per_minute", &ServerBounds::requests_per_minute, {0, million}),
      codec::number_key("workers", &ServerBounds::workers, {0, 1024}),
      codec::number_key("queue", &ServerBounds::queue, {1, million}),
      codec::duration_key("request", &ServerBounds::request, 100)};
  out.limits = TRY(codec::read_table(in, keys, "limits", out.limits).within("[limits]"));
  return ok();
}

const std::vector<Key<Settings>>& settings_keys()
{
  static const std::vector<Key<Settings>> keys{
      codec::bool_key("development", &Settings::development),
      {"listen", read_listen},
      {"domains", read_domains},
      codec::line_key("agent", &Settings::agent),
      codec::file_key("policy_file", &Settings::policy_file),
      codec::file_key("audit_file", &Settings::audit_file),
      codec::file_key("admin_socket", &Settings::admin_socket),
      codec::bool_key("metrics", &Settings::metrics),
      codec::bool_key("release_sev_snp", &Settings::release_sev_snp),
      codec::bool_key("self_authorization", &Settings::self_authorization),
      codec::bool_key("attest_rpc_certificate", &Settings::attest_rpc_certificate),
      codec::duration_key("self_refresh", &Settings::self_refresh, 60'000),
      {"custody", read_custody},
      {"collateral", read_collateral},
      {"limits", read_limits}};
  return keys;
}

Status check_weakened(const Settings& settings)
{
  if (settings.development) return ok();
  const auto refuse = [](std::string_view what) {
    return fail(Errc::config,
                "{}, which is for development only: say 'development = true' if that is what "
                "this is",
                what);
  };
  if (!settings.self_authorization) return refuse("'self_authorization' is false");
  if (!settings.attest_rpc_certificate) return refuse("'attest_rpc_certificate' is false");
  if (!settings.collateral.simulated_tee.empty())
    return refuse("'collateral.simulated_tee' names a root of trust that is no vendor's");
  return ok();
}

Result<Settings> read_settings(std::string_view text)
{
  if (text.size() > max_settings)
    return fail(Errc::malformed, "{} bytes (limit {})", text.size(), max_settings);
  const Toml document = TRY(codec::parse_toml(text));
  Settings out = TRY(codec::read_table(document, settings_keys(), "settings", Settings{}));
  TRY(check_weakened(out));
  return out;
}

} // namespace

Result<ListenAddress> parse_listen(std::string_view text)
{
  const auto wrong = [&] {
    return fail(Errc::config, "'{}' is no address (want ADDRESS:PORT, such as 127.0.0.1:8000)",
                printable(text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  ListenAddress out;
  out.address = text.substr(0, colon);
  const bool bracketed = out.address.starts_with('[') && out.address.ends_with(']');
  if (bracketed) out.address = out.address.substr(1, out.address.size() - 2);
  std::array<std::uint8_t, 16> raw{};
  if (::inet_pton(bracketed ? AF_INET6 : AF_INET, out.address.c_str(), raw.data()) != 1)
    return wrong();
  const auto port = parse_u64(text.substr(colon + 1));
  if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return wrong();
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

std::string to_text(const ListenAddress& listen)
{
  if (listen.address.find(':') == std::string::npos)
    return fmt::format("{}:{}", listen.address, listen.port);
  return fmt::format("[{}]:{}", listen.address, listen.port);
}

Result<Settings> settings_from_toml(std::string_view text, std::string_view name)
{
  return read_settings(text).within("{}", name);
}

} // namespace dstack::kms
