#include "gateway/settings.hpp"

#include "codec/toml_keys.hpp"
#include "route/address_pool.hpp"
#include "route/host_name.hpp"
#include "route/proxy_header.hpp"

#include <algorithm>

namespace dstack::gateway {

namespace {

using codec::Toml;
template <class T> using Key = codec::TomlKey<T>;

constexpr std::size_t max_list = 256;
constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t most_ports = 65'535;
constexpr std::size_t max_interface = 15; // IFNAMSIZ without its NUL

template <class T> using Judge = std::function<Status(const T&)>;

/// A value that must also pass the judge.
template <class T> Status judged(const Toml& in, const T& value, const Judge<T>& judge)
{
  const Status good = judge(value);
  if (good) return ok();
  return fail(Errc::config, "line {}: {}", in.line, good.error().message());
}

template <class T>
Key<T> checked_key(std::string_view name, std::string T::*member, Judge<std::string> judge)
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(codec::toml_line(in, name));
            return judged(in, out.*member, judge);
          }};
}

template <class T>
Key<T> list_key(
    std::string_view name,
    std::vector<std::string> T::*member,
    Judge<std::string> judge = [](const std::string&) -> Status { return ok(); })
{
  return {name, [=](const Toml& in, T& out) -> Status {
            out.*member = TRY(codec::toml_strings(in, name));
            if ((out.*member).size() > max_list)
              return fail(Errc::config, "line {}: '{}' has {} entries (at most {})", in.line, name,
                          (out.*member).size(), max_list);
            for (const std::string& one : out.*member) {
              if (!codec::is_toml_line(one))
                return fail(Errc::config, "line {}: an entry of '{}' is not one line", in.line,
                            name);
              TRY(judged(in, one, judge));
            }
            return ok();
          }};
}

Judge<std::string> one_of(std::string_view key, std::vector<std::string> words)
{
  return [key, words = std::move(words)](const std::string& value) -> Status {
    if (std::find(words.begin(), words.end(), value) != words.end()) return ok();
    return fail(Errc::config, "'{}' is '{}' (want {})", key, value, join(words, ", "));
  };
}

Status check_endpoint(const std::string& text)
{
  if (route::parse_endpoint(text)) return ok();
  return fail(Errc::config, "'{}' is no address (want ADDRESS:PORT, such as 127.0.0.1:8000)", text);
}

Status check_endpoint_or_nothing(const std::string& text)
{
  return text.empty() ? Status{ok()} : check_endpoint(text);
}

/// Host or address, and a port: what a guest's `wg` is given.
Status check_reachable(const std::string& text)
{
  const auto colon = text.rfind(':');
  const auto port = parse_u64(colon == std::string::npos ? "" : text.substr(colon + 1));
  const std::string host = text.substr(0, colon);
  const bool good = port && *port != 0 && *port <= most_ports &&
                    (route::parse_endpoint(text) || route::host_name(host));
  if (good) return ok();
  return fail(Errc::config, "'{}' is no place to reach (want HOST:PORT)", text);
}

Status check_network(const std::string& text)
{
  const auto read = route::parse_network(text);
  if (read) return ok();
  return fail(Errc::config, "'{}': {}", text, read.error().message());
}

Status check_own_address(const std::string& text)
{
  const auto read = route::parse_address_in_network(text);
  if (read) return ok();
  return fail(Errc::config, "'{}': {}", text, read.error().message());
}

Status check_interface(const std::string& text)
{
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  if (!text.empty() && text.size() <= max_interface && std::all_of(text.begin(), text.end(), good))
    return ok();
  return fail(Errc::config, "'{}' is no name of an interface (1 to {} of a-z, 0-9, - and _)", text,
              max_interface);
}

Status check_prefix(const std::string& text)
{
  if (route::host_name(text)) return ok();
  return fail(Errc::config, "'{}' cannot stand before a domain", text);
}

Result<DomainSettings> read_domain(const Toml& in)
{
  static const std::vector<Key<DomainSettings>> keys{
      {"name",
       [](const Toml& at, DomainSettings& out) -> Status {
         const auto name = normal_domain(TRY(codec::toml_line(at, "name")));
         if (!name) return fail(Errc::config, "line {}: {}", at.line, name.error().message());
         out.name = *name;
         return ok();
       },
       true},
      checked_key("names", &DomainSettings::names,
                  one_of("names", {"wildcard", "wildcard-and-itself", "itself"})),
      list_key("prove", &DomainSettings::prove,
               one_of("prove", {"dns-01", "tls-alpn-01", "http-01"})),
      codec::line_key("dns", &DomainSettings::dns),
      codec::line_key("challenge_name", &DomainSettings::challenge_name),
      codec::number_key("priority", &DomainSettings::priority, {0, million})};
  return codec::read_table(in, keys, "domain", DomainSettings{});
}

Status read_domains(const Toml& in, Settings& out)
{
  if (in.array() == nullptr) return codec::toml_mismatch(in, "domain", "tables, each [[domain]]");
  if (in.array()->size() > max_list)
    return fail(Errc::config, "line {}: more than {} domains", in.line, max_list);
  for (const Toml& item : *in.array()) {
    DomainSettings one = TRY(read_domain(item).within("[[domain]]"));
    for (const DomainSettings& other : out.domains)
      if (other.name == one.name)
        return fail(Errc::config, "line {}: domain '{}' is there twice", item.line, one.name);
    out.domains.push_back(std::move(one));
  }
  return ok();
}

Status read_authority(const Toml& in, CertificateSettings& out)
{
  using Authority = CertificateSettings::Authority;
  const std::string word = TRY(codec::toml_string(in, "authority"));
  TRY(judged<std::string>(in, word, one_of("authority", {"acme", "development"})));
  out.authority = word == "acme" ? Authority::acme : Authority::development;
  return ok();
}

Status read_certificates(const Toml& in, Settings& out)
{
  using S = CertificateSettings;
  static const std::vector<Key<S>> keys{
      {"authority", read_authority},
      codec::url_key("directory", &S::directory),
      codec::line_key("ca_file", &S::ca_file),
      list_key("contacts", &S::contacts),
      codec::duration_key("before_expiry", &S::before_expiry, 60'000),
      checked_key("http_listen", &S::http_listen, check_endpoint_or_nothing)};
  out.certificates =
      TRY(codec::read_table(in, keys, "certificates", out.certificates).within("[certificates]"));
  return ok();
}

Result<DnsSettings> read_way(const Toml& in)
{
  using S = DnsSettings;
  static const std::vector<Key<S>> keys{
      checked_key("kind", &S::kind, one_of("kind", {"cloudflare", "update", "hook"})),
      codec::url_key("url", &S::url),
      codec::line_key("token_file", &S::token_file),
      codec::line_key("server", &S::server),
      codec::line_key("zone", &S::zone),
      codec::line_key("key_name", &S::key_name),
      checked_key("algorithm", &S::algorithm, one_of("algorithm", {"hmac-sha256", "hmac-sha512"})),
      codec::line_key("key_file", &S::key_file),
      list_key("command", &S::command),
      codec::number_key("ttl", &S::ttl, {1, 86'400}),
      codec::duration_key("max_wait", &S::max_wait, 0),
      list_key("resolvers", &S::resolvers, check_endpoint),
      list_key("check_servers", &S::check_servers, check_endpoint)};
  S out = TRY(codec::read_table(in, keys, "dns", S{}));
  const auto need = [&](bool there, std::string_view what) -> Status {
    if (there) return ok();
    return fail(Errc::config, "line {}: '{}' is missing", in.line, what);
  };
  TRY(need(!out.kind.empty(), "kind"));
  if (out.kind == "cloudflare") TRY(need(!out.token_file.empty(), "token_file"));
  if (out.kind == "update") {
    TRY(need(!out.server.empty(), "server"));
    TRY(need(!out.key_name.empty(), "key_name"));
    TRY(need(!out.key_file.empty(), "key_file"));
  }
  if (out.kind == "hook") TRY(need(!out.command.empty(), "command"));
  return out;
}

Status read_dns(const Toml& in, Settings& out)
{
  if (in.table() == nullptr) return codec::toml_mismatch(in, "dns", "tables, each [dns.NAME]");
  for (const auto& [name, value] : *in.table()) {
    if (printable(name) != name || name.empty())
      return fail(Errc::config, "line {}: '{}' is no name", value.line, printable(name));
    out.dns[name] = TRY(read_way(value).within("[dns.{}]", name));
  }
  return ok();
}

Status read_wireguard(const Toml& in, Settings& out)
{
  using S = WireGuardSettings;
  static const std::vector<Key<S>> keys{
      codec::bool_key("enabled", &S::enabled),
      checked_key("interface", &S::interface, check_interface),
      codec::number_key("listen_port", &S::listen_port, {1, most_ports}),
      checked_key("address", &S::address, check_own_address),
      checked_key("clients", &S::clients, check_network),
      list_key("reserved", &S::reserved, check_network),
      checked_key("endpoint", &S::endpoint, check_reachable)};
  out.wireguard =
      TRY(codec::read_table(in, keys, "wireguard", out.wireguard).within("[wireguard]"));
  return ok();
}

Status read_proxy(const Toml& in, Settings& out)
{
  using S = ProxySettings;
  static const std::vector<Key<S>> keys{
      list_key("listen", &S::listen, check_endpoint),
      codec::number_key("external_port", &S::external_port, {1, most_ports}),
      codec::number_key("workers", &S::workers, {0, 1024}),
      codec::number_key("agent_port", &S::agent_port, {1, most_ports}),
      checked_key("txt_prefix", &S::txt_prefix, check_prefix),
      list_key("dns_servers", &S::dns_servers, check_endpoint),
      list_key("trusted_proxies", &S::trusted_proxies, check_network),
      codec::number_key("max_connections", &S::max_connections, {1, 10 * million}),
      codec::number_key("max_connections_per_app", &S::max_connections_per_app, {0, 10 * million}),
      codec::number_key("max_per_source", &S::max_per_source, {1, million}),
      codec::number_key("new_per_source", &S::new_per_source, {1, million}),
      codec::number_key("candidates", &S::candidates, {1, 16}),
      codec::number_key("splice_after", &S::splice_after, {0, std::uint64_t{1} << 40U}),
      codec::bool_key("kernel_tls", &S::kernel_tls),
      codec::duration_key("connect_timeout", &S::connect_timeout, 10),
      codec::duration_key("handshake_timeout", &S::handshake_timeout, 10),
      codec::duration_key("idle_timeout", &S::idle_timeout, 0),
      codec::duration_key("total_timeout", &S::total_timeout, 100)};
  out.proxy = TRY(codec::read_table(in, keys, "proxy", out.proxy).within("[proxy]"));
  if (!out.proxy.listen.empty()) return ok();
  return fail(Errc::config, "[proxy]: line {}: 'listen' names no address", in.line);
}

Status read_admin(const Toml& in, Settings& out)
{
  using S = AdminSettings;
  static const std::vector<Key<S>> keys{
      checked_key("listen", &S::listen, check_endpoint_or_nothing),
      codec::line_key("token_file", &S::token_file)};
  out.admin = TRY(codec::read_table(in, keys, "admin", out.admin).within("[admin]"));
  if (out.admin.listen.empty() || !out.admin.token_file.empty()) return ok();
  return fail(Errc::config, "[admin]: line {}: 'listen' needs a 'token_file'", in.line);
}

Status read_webhook(const Toml& in, Settings& out)
{
  using S = WebhookSettings;
  static const std::vector<Key<S>> keys{codec::url_key("url", &S::url),
                                        codec::duration_key("timeout", &S::timeout, 10)};
  out.webhook = TRY(codec::read_table(in, keys, "webhook", out.webhook).within("[webhook]"));
  return ok();
}

Status read_collateral(const Toml& in, Settings& out)
{
  using S = CollateralSettings;
  static const std::vector<Key<S>> keys{
      codec::url_key("pccs_url", &S::pccs_url), codec::url_key("kds_url", &S::kds_url),
      codec::file_key("directory", &S::directory), codec::bool_key("offline", &S::offline)};
  out.collateral =
      TRY(codec::read_table(in, keys, "collateral", out.collateral).within("[collateral]"));
  return ok();
}

/// Scheme, host and port, no path.
Status check_member(const std::string& text)
{
  const auto scheme = text.find("://");
  const std::string rest = scheme == std::string::npos ? "" : text.substr(scheme + 3);
  if ((text.starts_with("http://") || text.starts_with("https://")) && !rest.empty() &&
      rest.find_first_of("/?#@") == std::string::npos)
    return ok();
  return fail(Errc::config, "'{}' is no member of etcd (want http://HOST:PORT or https://HOST:PORT)",
              printable(text));
}

Status check_key_prefix(const std::string& text)
{
  constexpr std::size_t longest = 256;
  if (text.starts_with('/') && !text.ends_with('/') && text.size() <= longest) return ok();
  return fail(Errc::config, "'{}' is no prefix of keys (want /…, without / at its end)", text);
}

Status read_cluster(const Toml& in, Settings& out)
{
  using S = ClusterSettings;
  static const std::vector<Key<S>> keys{
      list_key("etcd", &S::etcd, check_member),
      checked_key("prefix", &S::prefix, check_key_prefix),
      codec::number_key("node", &S::node, {1, max_nodes}),
      codec::line_key("ca_file", &S::ca_file),
      codec::line_key("certificate_file", &S::certificate_file),
      codec::line_key("key_file", &S::key_file),
      codec::line_key("user", &S::user),
      codec::line_key("password_file", &S::password_file),
      codec::duration_key("timeout", &S::timeout, 100),
      codec::duration_key("lease", &S::lease, 3000)};
  out.cluster = TRY(codec::read_table(in, keys, "cluster", out.cluster).within("[cluster]"));
  const S& s = out.cluster;
  if (s.certificate_file.empty() != s.key_file.empty())
    return fail(Errc::config, "[cluster]: line {}: a certificate needs its key, and a key its "
                              "certificate",
                in.line);
  if (s.user.empty() != s.password_file.empty())
    return fail(Errc::config, "[cluster]: line {}: 'user' and 'password_file' go together", in.line);
  const bool open = std::any_of(s.etcd.begin(), s.etcd.end(),
                                [](const std::string& one) { return one.starts_with("http://"); });
  if (s.user.empty() || !open) return ok();
  return fail(Errc::config, "[cluster]: line {}: a password goes to members at https://… alone",
              in.line);
}

const std::vector<Key<Settings>>& top_keys()
{
  using S = Settings;
  static const std::vector<Key<S>> keys{
      codec::bool_key("development", &S::development),
      checked_key("listen", &S::listen, check_endpoint),
      codec::url_key("url", &S::url),
      list_key("names", &S::names),
      codec::line_key("agent", &S::agent),
      list_key("kms_urls", &S::kms_urls),
      codec::file_key("admin_socket", &S::admin_socket),
      codec::file_key("state_file", &S::state_file),
      codec::duration_key("recycle_after", &S::recycle_after, 1000),
      codec::number_key("max_instances_per_app", &S::max_instances_per_app, {0, million}),
      {"domain", read_domains},
      {"certificates", read_certificates},
      {"dns", read_dns},
      {"wireguard", read_wireguard},
      {"proxy", read_proxy},
      {"admin", read_admin},
      {"webhook", read_webhook},
      {"collateral", read_collateral},
      {"cluster", read_cluster}};
  return keys;
}

/// What only shows when all of it is there.
Status check_whole(const Settings& s)
{
  if (s.names.empty()) return fail(Errc::config, "'names' is empty: our certificate needs one");
  for (const DomainSettings& domain : s.domains)
    if (!domain.dns.empty() && !s.dns.contains(domain.dns))
      return fail(Errc::config, "domain '{}' names [dns.{}], which is not there", domain.name,
                  domain.dns);
  if (!s.cluster.alone() &&
      s.certificates.authority == CertificateSettings::Authority::development)
    return fail(Errc::config, "[cluster]: its nodes need certificates of one authority that they "
                              "all can ask: a development CA is one node's own");
  route::PoolSettings pool;
  pool.gateway = *route::parse_address_in_network(s.wireguard.address);
  pool.clients = *route::parse_network(s.wireguard.clients);
  for (const std::string& one : s.wireguard.reserved)
    pool.reserved.push_back(*route::parse_network(one));
  const auto made = route::AddressPool::create(pool);
  if (made) return ok();
  return fail(Errc::config, "[wireguard]: {}", made.error().message());
}

Result<Settings> read_settings(std::string_view text)
{
  if (text.size() > max_settings)
    return fail(Errc::config, "{} bytes (limit {})", text.size(), max_settings);
  const Toml document = TRY(codec::parse_toml(text));
  Settings out = TRY(codec::read_table(document, top_keys(), "settings", Settings{}));
  TRY(check_whole(out));
  return out;
}

} // namespace

Result<std::string> normal_domain(std::string_view text)
{
  std::string_view name = trim(text);
  while (name.ends_with('.'))
    name.remove_suffix(1);
  if (name.starts_with("*.")) name.remove_prefix(2);
  const std::string out = lower(name);
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  bool labels = route::host_name(out) && std::all_of(out.begin(), out.end(), good);
  for (const std::string_view label : split(out, '.'))
    labels = labels && !label.starts_with('-') && !label.ends_with('-');
  if (labels) return out;
  return fail(Errc::config, "'{}' is no domain", printable(text));
}

Result<Settings> settings_from_toml(std::string_view text, std::string_view name)
{
  return read_settings(text).within("{}", name);
}

} // namespace dstack::gateway
