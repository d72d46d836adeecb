#include "kms/settings.hpp"

#include "base/text.hpp"
#include "codec/toml_table.hpp"
#include "kms/certificates.hpp"

#include <arpa/inet.h>
#include <limits>

namespace dstack::kms {

namespace {

using codec::Toml;
using std::chrono::milliseconds;
template <class T> using Key = codec::TomlKey<T>;

constexpr std::size_t max_text = 4096;
constexpr std::size_t max_domains = 64;
constexpr std::size_t max_peers = 255;
constexpr std::uint64_t longest_ms = std::uint64_t{365} * 24 * 3'600'000;

bool is_line(const std::string& text)
{
  return text.size() <= max_text && printable(text) == text && text.find('\n') == std::string::npos;
}

Result<std::string> read_line(const Toml& in, std::string_view key)
{
  std::string out = TRY(codec::toml_string(in, key));
  if (is_line(out)) return out;
  return fail(Errc::config, "line {}: '{}' is not one line of at most {} bytes", in.line, key,
              max_text);
}

Result<std::string> read_url(const Toml& in, std::string_view key)
{
  std::string out = TRY(read_line(in, key));
  if (out.empty() || out.starts_with("https://") || out.starts_with("http://")) return out;
  return fail(Errc::config, "line {}: '{}' is no http:// or https:// address", in.line, key);
}

template <class T> Key<T> line_key(std::string_view name, std::string T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(read_line(in, name));
            return ok();
          }};
}

/// A file that must have a name.
template <class T> Key<T> file_key(std::string_view name, std::string T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(read_line(in, name));
            if (!(out.*member).empty()) return ok();
            return fail(Errc::config, "line {}: '{}' is empty", in.line, name);
          }};
}

template <class T> Key<T> url_key(std::string_view name, std::string T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(read_url(in, name));
            return ok();
          }};
}

template <class T> Key<T> bool_key(std::string_view name, bool T::*member)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(codec::toml_bool(in, name));
            return ok();
          }};
}

struct Range {
  std::uint64_t least;
  std::uint64_t most;
};

template <class T> Key<T> number_key(std::string_view name, std::uint64_t T::*member, Range range)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            const std::uint64_t value = TRY(codec::toml_number(in, name));
            if (value < range.least || value > range.most)
              return fail(Errc::config, "line {}: '{}' is {} (want {} to {})", in.line, name, value,
                          range.least, range.most);
            out.*member = value;
            return ok();
          }};
}

template <class T>
Key<T> duration_key(std::string_view name, milliseconds T::*member, std::uint64_t least_ms)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            const std::string text = TRY(codec::toml_string(in, name));
            const auto value = parse_duration_ms(text);
            if (!value || *value < least_ms || *value > longest_ms)
              return fail(Errc::config,
                          "line {}: '{}' is '{}' (want a duration such as \"5m\", {} at least)",
                          in.line, name, printable(text), format_duration_ms(least_ms));
            out.*member = milliseconds{*value};
            return ok();
          }};
}

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
         out.url = TRY(read_line(v, "url"));
         if (out.url.starts_with("https://")) return ok();
         return fail(Errc::config, "line {}: 'url' is no https:// address", v.line);
       },
       true},
      {"name",
       [](const Toml& v, CustodianPeer& out) -> Status {
         out.name = TRY(read_line(v, "name"));
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
      line_key("passphrase_file", &Settings::passphrase_file), {"peer", read_peers}};
  out = TRY(codec::read_table(in, keys, "custody", std::move(out)).within("[custody]"));
  return ok();
}

Status read_collateral(const Toml& in, Settings& out)
{
  static const std::vector<Key<CollateralSettings>> keys{
      url_key("pccs_url", &CollateralSettings::pccs_url),
      url_key("kds_url", &CollateralSettings::kds_url),
      file_key("directory", &CollateralSettings::directory),
      bool_key("offline", &CollateralSettings::offline),
      line_key("simulated_tee", &CollateralSettings::simulated_tee)};
  out.collateral =
      TRY(codec::read_table(in, keys, "collateral", out.collateral).within("[collateral]"));
  return ok();
}

Status read_limits(const Toml& in, Settings& out)
{
  constexpr std::uint64_t million = 1'000'000;
  static const std::vector<Key<ServerBounds>> keys{
      number_key("connections", &ServerBounds::connections, {1, million}),
      number_key("per_address", &ServerBounds::per_address, {0, million}),
      number_key("requests_per_minute", &ServerBounds::requests_per_minute, {0, million}),
      number_key("workers", &ServerBounds::workers, {0, 1024}),
      number_key("queue", &ServerBounds::queue, {1, million}),
      duration_key("request", &ServerBounds::request, 100)};
  out.limits = TRY(codec::read_table(in, keys, "limits", out.limits).within("[limits]"));
  return ok();
}

const std::vector<Key<Settings>>& top_keys()
{
  static const std::vector<Key<Settings>> keys{
      bool_key("development", &Settings::development),
      {"listen", read_listen},
      {"domains", read_domains},
      line_key("agent", &Settings::agent),
      file_key("policy_file", &Settings::policy_file),
      file_key("audit_file", &Settings::audit_file),
      file_key("admin_socket", &Settings::admin_socket),
      bool_key("metrics", &Settings::metrics),
      bool_key("release_sev_snp", &Settings::release_sev_snp),
      bool_key("self_authorization", &Settings::self_authorization),
      bool_key("attest_rpc_certificate", &Settings::attest_rpc_certificate),
      duration_key("self_refresh", &Settings::self_refresh, 60'000),
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
  Settings out = TRY(codec::read_table(document, top_keys(), "settings", Settings{}));
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
