#pragma once
/// What certificates are got with: an authority, domains, and ways to change their DNS zones.

#include "acme/jws.hpp"
#include "acme/renewal.hpp"
#include "base/secret.hpp"
#include "dns/update.hpp"

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace dstack::certs {

/// Cloudflare's API, version 4. The token needs Zone:Read and DNS:Edit for the zone.
struct CloudflareSettings {
  std::string url = "https://api.cloudflare.com/client/v4"; ///< https, or http for tests
  SecretBytes token{};
};

/// Dynamic update (RFC 2136) over TCP, signed with TSIG (RFC 8945).
struct DynamicUpdateSettings {
  std::string server{}; ///< the zone's primary: host or address, ":53" if no port is given
  std::string zone{};   ///< empty: the longest that the server says it has
  dns::TsigKey key{};   ///< its bytes; files of keys have base64
};

/// A program of the operator's, run with DSTACK_DNS_ACTION (add, remove, list), DSTACK_DNS_TYPE
/// (TXT, CAA), DSTACK_DNS_NAME, DSTACK_DNS_VALUE (not for list) and DSTACK_DNS_TTL in its
/// environment. To add what is there and to remove what is not there is success. list prints a
/// value a line (CAA as zone files have it: 0 issue "ca.example"), or nothing.
struct HookSettings {
  std::vector<std::string> argv{};
  std::int64_t deadline_ms = 60'000; ///< of one run
};

struct DnsSettings {
  std::variant<CloudflareSettings, DynamicUpdateSettings, HookSettings> provider{};
  std::uint32_t ttl_seconds = 60;
  /// How long an authority is not told to look while not all of the zone's servers show a record;
  /// then it is told all the same. 0: at once.
  std::int64_t max_wait_ms = 300'000;
  /// Numeric addresses ("192.0.2.1:53") that are asked for the zone's servers; none: those of
  /// /etc/resolv.conf.
  std::vector<std::string> resolvers{};
  /// Asked for the record instead of the zone's own servers, where those cannot be reached.
  std::vector<std::string> check_servers{};
};

enum class Names { wildcard, wildcard_and_itself, itself };

struct Domain {
  std::string name{}; ///< "example.com", lower case, without "*." and the last dot
  Names names = Names::wildcard;
  /// Ways to prove it, best first. A wildcard is proven by dns_01 whatever stands here.
  std::vector<acme::ChallengeKind> kinds{acme::ChallengeKind::dns_01};
  std::string dns{}; ///< which of Settings::dns
  /// Where TXT records go when _acme-challenge.NAME is a CNAME to elsewhere; empty: there.
  std::string challenge_name{};
};
/// What a certificate for it has to be for.
std::vector<std::string> certificate_names(const Domain& domain);
/// Where its TXT records go.
std::string challenge_name_of(const Domain& domain);

/// An account of an authority. It belongs to its directory and is never made anew unseen: CAA
/// records may be bound to it.
struct Account {
  std::string directory_url{};
  std::string url{};
  SecretBytes key_der{}; ///< PKCS #8, P-256
};

struct AcmeSettings {
  std::string directory_url = "https://acme-v02.api.letsencrypt.org/directory";
  std::string ca_file{}; ///< PEM, trusted for this authority instead of the system's roots
  std::vector<std::string> contacts{}; ///< "mailto:…"
  std::optional<acme::ExternalAccount> external{};
  std::optional<Account> account{};   ///< from before; absent: one is made
  std::int64_t total_ms = 5 * 60'000; ///< of one issuance, without the wait for DNS
};

/// A certificate authority of one's own for development: trusted where its file is put, and there
/// only. Its files are in this directory, owner-only: dev-ca.pem, dev-ca.key.
struct DevCaSettings {
  std::string directory{};
};

struct Settings {
  std::variant<AcmeSettings, DevCaSettings> authority{};
  std::map<std::string, DnsSettings> dns{};
  acme::RenewalSettings renewal{};
  unsigned at_once = 16;                     ///< issuances
  std::int64_t longest_sleep_ms = 3'600'000; ///< until the clock is looked at again
  std::int64_t clean_up_pause_ms = 4000;     ///< until a record is tried to be removed again
};

/// A certificate with its key, as issued or as kept from before.
struct Certificate {
  std::string domain{};
  std::string chain_pem{}; ///< ours first
  std::string key_pem{};   ///< PKCS #8; secret
  Bytes spki{};            ///< of the key, DER: what is attested
  Time not_before{};
  Time not_after{};
};
inline constexpr std::size_t max_chain = 10; ///< certificates of one
/// What is kept of one, read back. Errc::malformed: not a chain, or for another key.
Result<Certificate>
read_certificate(std::string domain, std::string chain_pem, std::string key_pem);

/// What TLS servers show who asks for the name with "acme-tls/1" alone (RFC 8737).
struct AlpnChallenge {
  std::string name{};
  std::string certificate_pem{};
  std::string key_pem{};
};
/// What port 80 of the host answers to GET (RFC 8555 8.3), as application/octet-stream.
struct HttpChallenge {
  std::string host{};
  std::string path{};
  std::string body{};
};
struct Challenges {
  std::vector<AlpnChallenge> alpn{};
  std::vector<HttpChallenge> http{};
};

} // namespace dstack::certs
