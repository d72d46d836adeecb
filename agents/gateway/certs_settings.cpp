/// What lib/certs needs, from the settings and the files that they name.

#include "agents/gateway/certificates.hpp"
#include "sys/secret_files.hpp"

namespace dstack::gatewaynode {

namespace {

/// Of the name and algorithm in the settings: the secret alone in base64, or the whole key as
/// tsig-keygen(8) writes it.
Result<dns::TsigKey> update_key(const SecretBytes& file, const gateway::DnsSettings& from)
{
  dns::TsigKey out;
  out.name = from.key_name;
  out.algorithm = from.algorithm == "hmac-sha512" ? dns::TsigAlgorithm::hmac_sha512
                                                  : dns::TsigAlgorithm::hmac_sha256;
  auto whole = dns::parse_tsig_key(as_text(file.view()));
  if (whole && (lower(whole->name) != lower(out.name) || whole->algorithm != out.algorithm))
    return fail(Errc::config, "it holds the key '{}', not '{}' for {}", whole->name, out.name,
                from.algorithm);
  if (whole) return *std::move(whole);
  out.key = SecretBytes{TRY(parse_base64(as_text(file.view())))};
  return out;
}

Result<certs::DnsSettings> way_of(const Foundation& on, const gateway::DnsSettings& from)
{
  certs::DnsSettings out;
  out.ttl_seconds = static_cast<std::uint32_t>(from.ttl);
  out.max_wait_ms = from.max_wait.count();
  out.resolvers = from.resolvers;
  out.check_servers = from.check_servers;
  if (from.kind == "cloudflare") {
    certs::CloudflareSettings one;
    if (!from.url.empty()) one.url = from.url;
    one.token = TRY(sys::read_passphrase(on.below(from.token_file)).within("token_file"));
    out.provider = std::move(one);
  } else if (from.kind == "update") {
    certs::DynamicUpdateSettings one;
    one.server = from.server;
    one.zone = from.zone;
    const SecretBytes file = TRY(sys::read_passphrase(on.below(from.key_file)).within("key_file"));
    one.key = TRY(update_key(file, from).within("key_file"));
    out.provider = std::move(one);
  } else {
    certs::HookSettings one;
    one.argv = from.command;
    out.provider = std::move(one);
  }
  return out;
}

acme::ChallengeKind kind_of(const std::string& word)
{
  if (word == "tls-alpn-01") return acme::ChallengeKind::tls_alpn_01;
  return word == "http-01" ? acme::ChallengeKind::http_01 : acme::ChallengeKind::dns_01;
}

certs::Names names_of(const std::string& word)
{
  if (word == "itself") return certs::Names::itself;
  return word == "wildcard" ? certs::Names::wildcard : certs::Names::wildcard_and_itself;
}

} // namespace

Result<std::map<std::string, certs::DnsSettings>> dns_settings(const Foundation& on)
{
  std::map<std::string, certs::DnsSettings> out;
  for (const auto& [name, way] : on.settings.dns)
    out[name] = TRY(way_of(on, way).within("[dns.{}]", name));
  return out;
}

Result<certs::Settings> certs_settings(const Foundation& on, std::optional<StoredAccount> account)
{
  const gateway::CertificateSettings& from = on.settings.certificates;
  certs::Settings out;
  out.dns = TRY(dns_settings(on));
  out.renewal.before_expiry_ms = from.before_expiry.count();
  if (from.authority == gateway::CertificateSettings::Authority::development) {
    out.authority = certs::DevCaSettings{on.directory.string()};
    return out;
  }
  certs::AcmeSettings acme;
  acme.directory_url = from.directory;
  if (!from.ca_file.empty()) acme.ca_file = on.below(from.ca_file).string();
  acme.contacts = from.contacts;
  if (account)
    acme.account = certs::Account{account->directory_url, account->url, account->key_der};
  out.authority = std::move(acme);
  return out;
}

certs::Domain certs_domain(const gateway::DomainSettings& from)
{
  certs::Domain out;
  out.name = from.name;
  out.names = names_of(from.names);
  out.kinds.clear();
  for (const std::string& word : from.prove)
    out.kinds.push_back(kind_of(word));
  out.dns = from.dns;
  out.challenge_name = from.challenge_name;
  return out;
}

} // namespace dstack::gatewaynode
