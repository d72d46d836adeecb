/// The file that a new gateway starts with.

#include "base/text.hpp"
#include "codec/toml_text.hpp"
#include "gateway/settings.hpp"

namespace dstack::gateway {

using codec::toml_text;

namespace {

std::string own_text(const Settings& s)
{
  return fmt::format(
      R"(# How this gateway runs. Unknown keys are errors. Paths are relative to this directory. What is
# changed while it runs (port policies, drained VMs, further domains) is in the state file.

# true: evidence of a simulated TEE counts. It proves nothing.
development = {}

# Address and port of the HTTPS server where VMs register, how they reach it (told to them as one of
# the gateways; empty: they are not), and the names in its certificate. VMs know a gateway by its app
# id, whatever its name.
listen = {}
url = {}
names = {}

# The guest agent that gives the gateway its certificate and attests its keys
# ("unix:/var/run/dstack.sock" or "http://…"). Empty: DSTACK_AGENT_ADDRESS, then the usual sockets.
agent = {}
# Where there is none, 'dstack gateway run' plays one whose keys are from this KMS.
kms_urls = {}

# For 'dstack gateway status' and the like; only its owner can connect.
admin_socket = {}
# Who registered, certificates with their keys, accounts: SQLite, owner-only.
state_file = {}
# A VM that is neither heard of nor registers for so long is forgotten.
recycle_after = {}
max_instances_per_app = {}   # 0: as many as there are addresses
)",
      s.development, toml_text(s.listen), toml_text(s.url), toml_text(s.names), toml_text(s.agent),
      toml_text(s.kms_urls), toml_text(s.admin_socket), toml_text(s.state_file),
      toml_text(s.recycle_after), s.max_instances_per_app);
}

std::string domain_text(const DomainSettings& d)
{
  return fmt::format("\n[[domain]]\nname = {}\nnames = {}\nprove = {}\ndns = {}\n"
                     "challenge_name = {}\npriority = {}\n",
                     toml_text(d.name), toml_text(d.names), toml_text(d.prove), toml_text(d.dns),
                     toml_text(d.challenge_name), d.priority);
}

std::string domains_text(const Settings& s)
{
  std::string out = R"(
# Apps are reached at https://<id>-<port>.<domain>. The certificate is for *.domain ("wildcard"), for
# the domain as well ("wildcard-and-itself"), or for it alone ("itself": a custom domain, found by its
# TXT record, whose TLS ends here). Authorities are shown that
# it is ours by "dns-01", through the [dns.NAME] that dns says; names without "*" also by
# "tls-alpn-01" or "http-01". challenge_name: where _acme-challenge.<domain> is a CNAME to.
# VMs are told the domain of the highest priority.
)";
  for (const DomainSettings& one : s.domains)
    out += domain_text(one);
  return out;
}

std::string certificates_text(const CertificateSettings& c)
{
  return fmt::format(
      R"(
[certificates]
# "acme": from the authority at that directory. "development": from one of our own, whose certificate
# (dev-ca.pem here) is trusted where you put it.
authority = {}
directory = {}
ca_file = {}          # PEM; trusted for that directory instead of the system's authorities
contacts = {}         # "mailto:you@example.com"
before_expiry = {}    # renewed so long before the end, or in the last third of short lives
http_listen = {}      # "0.0.0.0:80", to answer http-01
)",
      toml_text(std::string{c.authority == CertificateSettings::Authority::acme ? "acme"
                                                                                : "development"}),
      toml_text(c.directory), toml_text(c.ca_file), toml_text(c.contacts),
      toml_text(c.before_expiry), toml_text(c.http_listen));
}

std::string dns_text(const std::string& name, const DnsSettings& d)
{
  return fmt::format(
      "\n[dns.{}]\nkind = {}\nurl = {}\ntoken_file = {}\nserver = {}\nzone = {}\nkey_name = {}\n"
      "algorithm = {}\nkey_file = {}\ncommand = {}\nttl = {}\nmax_wait = {}\nresolvers = {}\n"
      "check_servers = {}\n",
      toml_text(name), toml_text(d.kind), toml_text(d.url), toml_text(d.token_file),
      toml_text(d.server), toml_text(d.zone), toml_text(d.key_name), toml_text(d.algorithm),
      toml_text(d.key_file), toml_text(d.command), d.ttl, toml_text(d.max_wait),
      toml_text(d.resolvers), toml_text(d.check_servers));
}

std::string ways_text(const Settings& s)
{
  std::string out = R"(
# Ways to change DNS:
# [dns.cloudflare]
# kind = "cloudflare"
# token_file = "cloudflare.token"      # owner-only
# [dns.own]
# kind = "update"                       # RFC 2136, signed by TSIG
# server = "ns.example.com"
# key_name = "gateway"
# key_file = "update.key"               # as tsig-keygen writes it, or base64
# [dns.script]
# kind = "hook"                         # gets DSTACK_DNS_ACTION, _TYPE, _NAME, _VALUE, _TTL
# command = ["/usr/local/bin/dns-hook"]
)";
  for (const auto& [name, way] : s.dns)
    out += dns_text(name, way);
  return out;
}

std::string wireguard_text(const WireGuardSettings& w)
{
  return fmt::format(R"(
[wireguard]
# false, or without the right to make an interface: VMs of this machine are reached through their
# forwarded ports, others are not.
enabled = {}
interface = {}
listen_port = {}
endpoint = {}     # where VMs reach it: HOST:PORT
address = {}           # ours, with the network of all nodes
clients = {}           # what VMs get
reserved = {}
)",
                     w.enabled, toml_text(w.interface), w.listen_port, toml_text(w.endpoint),
                     toml_text(w.address), toml_text(w.clients), toml_text(w.reserved));
}

std::string proxy_text(const ProxySettings& p)
{
  return fmt::format(R"(
[proxy]
listen = {}
external_port = {}            # what names are shown with
workers = {}                    # 0: one for each processor
agent_port = {}              # of guest agents
txt_prefix = {}   # custom domains: _dstack-app-address.<name> TXT "<id>:<port>"
dns_servers = {}               # for those; none: this machine's
trusted_proxies = {}           # networks whose connections begin with a PROXY header
max_connections = {}
max_connections_per_app = {}
max_per_source = {}          # connections at a time
new_per_source = {}           # connections a second
candidates = {}                 # instances tried for one connection
splice_after = {}          # bytes without a pause, passed through; 0: never
kernel_tls = {}             # the kernel encrypts answers, where it can; then they are spliced, too
connect_timeout = {}
handshake_timeout = {}
idle_timeout = {}
total_timeout = {}
)",
                     toml_text(p.listen), p.external_port, p.workers, p.agent_port,
                     toml_text(p.txt_prefix), toml_text(p.dns_servers),
                     toml_text(p.trusted_proxies), p.max_connections, p.max_connections_per_app,
                     p.max_per_source, p.new_per_source, p.candidates, p.splice_after, p.kernel_tls,
                     toml_text(p.connect_timeout), toml_text(p.handshake_timeout),
                     toml_text(p.idle_timeout), toml_text(p.total_timeout));
}

std::string rest_text(const Settings& s)
{
  return fmt::format(R"(
[admin]
# The page, metrics and calls of the admin socket over plain HTTP, for who has the token.
listen = {}
token_file = {}   # owner-only

[webhook]
# Asked by POST whether a VM may register; anything but a 2xx answer refuses.
url = {}
timeout = {}

[collateral]
# For VMs whose certificate carries an attestation. Empty: Intel's and AMD's own services.
pccs_url = {}
kds_url = {}
directory = {}
offline = {}
)",
                     toml_text(s.admin.listen), toml_text(s.admin.token_file),
                     toml_text(s.webhook.url), toml_text(s.webhook.timeout),
                     toml_text(s.collateral.pccs_url), toml_text(s.collateral.kds_url),
                     toml_text(s.collateral.directory), s.collateral.offline);
}

} // namespace

namespace {

std::string cluster_text(const ClusterSettings& c)
{
  return fmt::format(R"(
[cluster]
# Several gateways that are one: who registered, operators' settings and certificates are shared
# through etcd (its members: "http://HOST:2379"). Without, this gateway is alone. What is kept there
# is sealed with a key of the app: all nodes have the same app id. Each has a node number, an address
# and a range of [wireguard].clients of its own, in one network. A node that etcd's majority does not
# hear goes on serving, takes no new VMs and gets no certificates. (etcd keeps all that ever was,
# unless it is run with --auto-compaction-retention.)
etcd = {}
prefix = {}
node = {}                 # 1 to 16
ca_file = {}             # PEM; trusted for etcd instead of the system's authorities
certificate_file = {}    # PEM; ours for etcd, with its key; beside a password without CommonName
key_file = {}            # owner-only
user = {}                # with a password, to https:// members
password_file = {}       # owner-only
timeout = {}       # until the next member is asked
lease = {}        # without a sign for so long a node counts as gone
)",
                     toml_text(c.etcd), toml_text(c.prefix), c.node, toml_text(c.ca_file),
                     toml_text(c.certificate_file), toml_text(c.key_file), toml_text(c.user),
                     toml_text(c.password_file), toml_text(c.timeout), toml_text(c.lease));
}

} // namespace

std::string settings_text(const Settings& s)
{
  return own_text(s) + domains_text(s) + certificates_text(s.certificates) + ways_text(s) +
         wireguard_text(s.wireguard) + proxy_text(s.proxy) + rest_text(s) +
         cluster_text(s.cluster);
}

} // namespace dstack::gateway
