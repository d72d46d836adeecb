#include "cli/cmd/add.hpp"
#include "cli/gateway/stand_in.hpp"
#include "cli/kms/admin.hpp"
#include "cli/kms/policy_file.hpp"
#include "codec/json_list.hpp"
#include "route/ip.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string directory;
  std::vector<std::string> domains;
  std::string listen;
  std::string rpc_listen;
  std::vector<std::string> names;
  std::string url;
  std::vector<std::string> kms;
  std::string acme;
  std::string acme_ca_file;
  bool dev_ca = false;
  std::string dns;
  std::string wireguard_endpoint;
  bool no_wireguard = false;
  std::vector<std::string> etcd;
  std::uint64_t node = 1;
  bool development = false;
};

/// "cloudflare=TOKEN-FILE", "hook=PROGRAM"
Status read_dns(const std::string& word, gateway::Settings& out)
{
  const auto equals = word.find('=');
  const std::string kind = word.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  if (value.empty() || (kind != "cloudflare" && kind != "hook"))
    return fail(Errc::usage,
                "--dns {}: want cloudflare=TOKEN-FILE or hook=PROGRAM; others are written into "
                "gateway.toml",
                printable(word));
  gateway::DnsSettings way;
  way.kind = kind;
  const std::string file = sys::fs::absolute(value).string();
  if (kind == "hook")
    way.command = {file};
  else
    way.token_file = file;
  out.dns[kind] = way;
  for (gateway::DomainSettings& domain : out.domains)
    domain.dns = kind;
  return ok();
}

/// Node 1 has 10.8.0.1 and hands out 10.8.0.0/18, node 2 has 10.8.64.1 and so on, in one network
/// (spec gateway 19).
Status set_node(const Options& o, gateway::Settings& out)
{
  constexpr std::uint64_t most = 4;
  constexpr std::uint64_t apart = 64;
  if (o.node == 0 || o.node > most)
    return fail(Errc::usage,
                "--node {}: want 1 to {}; networks for more are written into gateway.toml", o.node,
                most);
  out.cluster.etcd = o.etcd;
  out.cluster.node = o.node;
  const std::uint64_t third = apart * (o.node - 1);
  out.wireguard.address = fmt::format("10.8.{}.1/16", third);
  out.wireguard.clients = fmt::format("10.8.{}.0/18", third);
  out.wireguard.reserved = {fmt::format("10.8.{}.1/32", third)};
  return ok();
}

/// A KMS of this user, whose policy can be written.
bool is_directory(const std::string& kms)
{
  std::error_code ignored;
  return sys::fs::exists(sys::fs::path{kms} / "kms.toml", ignored);
}

Result<std::string> url_of(const std::string& kms)
{
  if (!is_directory(kms)) return TRY(as_usage(kmsclient::parse_url(kms).within("--kms"))).text;
  kms::ListenAddress at = TRY(read_kms_settings(kms)).listen;
  if (at.address == "0.0.0.0") at.address = "127.0.0.1";
  if (at.address == "::") at.address = "::1";
  return fmt::format("https://{}", kms::to_text(at));
}

Result<gateway::Settings> wanted_settings(const Options& o)
{
  gateway::Settings out;
  out.development = o.development || o.dev_ca;
  for (const std::string& word : o.domains) {
    gateway::DomainSettings domain;
    domain.name = TRY(as_usage(gateway::normal_domain(word).within("--domain")));
    out.domains.push_back(std::move(domain));
  }
  if (!o.listen.empty()) out.proxy.listen = {o.listen};
  if (!o.rpc_listen.empty()) out.listen = o.rpc_listen;
  if (!o.names.empty()) out.names = o.names;
  out.url = o.url;
  for (const std::string& kms : o.kms)
    out.kms_urls.push_back(TRY(url_of(kms)));
  if (!o.acme.empty()) out.certificates.directory = o.acme;
  if (!o.acme_ca_file.empty())
    out.certificates.ca_file = sys::fs::absolute(o.acme_ca_file).string();
  if (o.dev_ca) out.certificates.authority = gateway::CertificateSettings::Authority::development;
  if (!o.dns.empty()) TRY(read_dns(o.dns, out));
  if (!o.wireguard_endpoint.empty()) out.wireguard.endpoint = o.wireguard_endpoint;
  out.wireguard.enabled = !o.no_wireguard;
  TRY(set_node(o, out));
  // Read as the agent will read it: what is refused is refused now.
  return as_usage(gateway::settings_from_toml(gateway::settings_text(out), "settings"));
}

Status check(const Options& o)
{
  if (o.domains.empty())
    return fail(Errc::usage, "--domain is missing: below which name are apps reached?");
  for (const auto& [name, address] :
       {std::pair{"--listen", &o.listen}, std::pair{"--rpc-listen", &o.rpc_listen}})
    if (!address->empty())
      TRY(as_usage(route::parse_endpoint(*address).within("{} {}", name, printable(*address))));
  if (o.dev_ca && !o.acme.empty())
    return fail(Errc::usage, "certificates come from --acme or from --dev-ca, not from both");
  if (o.dev_ca && !o.etcd.empty())
    return fail(Errc::usage, "nodes of a cluster need certificates of one authority: a development "
                             "CA is one node's own");
  return ok();
}

/// The KMS' policies of this user learn who the gateway is.
Result<std::vector<std::string>> tell_policies(const Options& o, const PlayedGateway& who)
{
  std::vector<std::string> out;
  for (const std::string& kms : o.kms) {
    if (!is_directory(kms)) continue;
    const std::string file =
        (sys::fs::path{kms} / TRY(read_kms_settings(kms)).policy_file).string();
    const auto edit = [&](std::string_view text, std::string_view name) -> Result<kms::Edited> {
      kms::AppAddition app{who.app_id, "dstack-gateway", {who.compose_hash}, {}};
      const auto one = TRY(kms::add_app(text, app, name));
      const auto two = TRY(kms::add_image(one.text, who.image, name));
      auto three = TRY(kms::set_gateway(two.text, who.app_id, name));
      three.changed = three.changed || two.changed || one.changed;
      return three;
    };
    static_cast<void>(TRY(edit_kms_policy(file, edit, EditMode::write)));
    out.push_back(file);
  }
  return out;
}

struct Made {
  gateway::Settings settings{};
  PlayedGateway played{};              ///< when one is played here
  std::vector<std::string> policies{}; ///< that were written
};

Result<Made> make(const Options& o, Context& ctx)
{
  Made out;
  out.settings = TRY(wanted_settings(o));
  const sys::fs::path directory = o.directory;
  const sys::fs::path file = directory / "gateway.toml";
  std::error_code ignored;
  if (sys::fs::exists(file, ignored))
    return fail(Errc::denied, "{} is there already: change it, or move it away", file.string());
  TRY(sys::make_directories(directory, sys::Privacy::owner_only));
  if (!o.kms.empty() && known_agent(ctx, "", "").empty()) {
    out.played = TRY(played_gateway(ctx));
    out.policies = TRY(tell_policies(o, out.played));
  }
  TRY(sys::write_file_atomic(file, as_bytes(gateway::settings_text(out.settings)),
                             sys::Privacy::owner_only));
  return out;
}

std::vector<std::string> next_commands(const Options& o)
{
  return {fmt::format("dstack gateway run {}", o.directory)};
}

void report(const Options& o, const Made& made, Context& ctx)
{
  const std::string file = (sys::fs::path{o.directory} / "gateway.toml").string();
  if (ctx.ui().json())
    return ctx.ui().document(
        Json{}
            .set("schema", "dstack.gateway.init/1")
            .set("directory", o.directory)
            .set("settings", file)
            .set("domains", codec::list_of(made.settings.domains, &gateway::DomainSettings::name))
            .set("app_id", made.played.app_id)
            .set("compose_hash", made.played.compose_hash)
            .set("policies", codec::list_of(made.policies))
            .set("next", codec::list_of(next_commands(o))));
  const auto row = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) ctx.ui().line(fmt::format("{:<18}{}", name, value));
  };
  row("settings", file);
  for (const gateway::DomainSettings& domain : made.settings.domains)
    row("apps at", fmt::format("https://<id>-<port>.{}", domain.name));
  row("app id", made.played.app_id);
  for (const std::string& policy : made.policies)
    row("allowed by", policy);
  ctx.ui().line("");
  ctx.ui().line("Next:");
  for (const std::string& line : next_commands(o))
    ctx.ui().line("  " + line);
}

Result<Exit> run(const Options& o, Context& ctx)
{
  TRY(check(o));
  const Made made = TRY(make(o, ctx));
  report(o, made, ctx);
  if (made.settings.development)
    ctx.ui().warn("a development gateway: evidence of a simulated TEE counts, so who registers has "
                  "proven nothing");
  return Exit::ok;
}

} // namespace

void add_gateway_init(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("gateway init", "Make the settings of a gateway");
  leaf.argument("DIR", o->directory, "Where it lives; made when it is not there").required();
  leaf.option("--domain", o->domains, "NAME", "Apps are reached below this name").repeats();
  leaf.option("--listen", o->listen, "ADDRESS:PORT", "Where the world connects")
      .fallback("127.0.0.1:8443");
  leaf.option("--rpc-listen", o->rpc_listen, "ADDRESS:PORT", "Where VMs register")
      .fallback("127.0.0.1:8010");
  leaf.option("--name", o->names, "NAME",
              "A name or address in its certificate (default: localhost, 127.0.0.1). VMs know it "
              "by its app id, whatever its name")
      .repeats();
  leaf.option("--url", o->url, "URL", "How VMs reach it, told to them beside other gateways");
  leaf.option("--kms", o->kms, "URL|DIR",
              "On a machine without a guest agent: the KMS that the gateway's keys come from. A "
              "directory is one of yours; its policy learns who the gateway is")
      .repeats();
  leaf.flag("--development", o->development, "Evidence of a simulated TEE counts");
  leaf.option("--acme", o->acme, "URL", "Directory of the authority that issues certificates")
      .fallback("Let's Encrypt")
      .group("Certificates");
  leaf.file("--acme-ca-file", o->acme_ca_file,
            "Trusted for that authority instead of the system's roots")
      .group("Certificates");
  leaf.flag("--dev-ca", o->dev_ca,
            "From an authority of its own instead, trusted where you put its certificate; implies "
            "--development")
      .group("Certificates");
  leaf.option("--dns", o->dns, "KIND=FILE",
              "How DNS is changed: cloudflare=TOKEN-FILE or hook=PROGRAM")
      .group("Certificates");
  leaf.option("--wireguard-endpoint", o->wireguard_endpoint, "HOST:PORT",
              "Where VMs reach its WireGuard")
      .fallback("127.0.0.1:51820")
      .group("Network");
  leaf.flag("--no-wireguard", o->no_wireguard,
            "Reach VMs of this machine through their forwarded ports, and no others")
      .group("Network");
  leaf.option("--etcd", o->etcd, "URL",
              "A member of the etcd that several gateways share their state through")
      .repeats()
      .group("Several nodes");
  leaf.number("--node", o->node, "NUMBER", "Which of them this one is; gives it addresses of its own")
      .fallback("1")
      .group("Several nodes");
  leaf.json("dstack.gateway.init/1")
      .describe("Writes DIR/gateway.toml, with a word on every setting. Everything a gateway comes "
                "to know (who registered, its keys, certificates) is kept beside it in gateway.db "
                "once it runs.\n"
                "VMs register with certificates that their KMS signed. The gateway's own comes "
                "from the same KMS, through the guest agent of the VM it runs in.\n"
                "Gateways of one app that share an etcd (--etcd, each with a --node of its own) "
                "are one: VMs register at any and are reached through all, certificates are got "
                "once. One more is added by running it; one that is lost or stopped is missed "
                "by nobody. [cluster] in gateway.toml has more, such as certificates and a "
                "password for etcd.")
      .example("dstack gateway init gw --domain apps.localhost --dev-ca --kms kms",
               "For trying things out on this machine, with the KMS in ./kms")
      .example("dstack gateway init /srv/gw --domain example.com --listen 0.0.0.0:443 "
               "--dns cloudflare=token",
               "With certificates from Let's Encrypt")
      .example("dstack gateway init /srv/gw --domain example.com --node 2 "
               "--etcd http://10.0.0.1:2379 --etcd http://10.0.0.2:2379 --etcd "
               "http://10.0.0.3:2379",
               "The second of several gateways that are one")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
