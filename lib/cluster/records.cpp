#include "cluster/records.hpp"

#include "cluster/seal.hpp"
#include "codec/json_list.hpp"
#include "crypto/hash.hpp"

namespace dstack::cluster {

using codec::Json;

namespace {

constexpr codec::JsonLimits limits{max_plain, 8, 200'000};
constexpr std::size_t uuid_size = 16;
constexpr std::size_t max_text = 4096;     ///< of what is one line
constexpr std::size_t heard_size = 8 + 4;  ///< mark and seconds
constexpr std::size_t max_challenges = 1024;

SecretBytes text_of(const Json& value)
{
  return SecretBytes{to_bytes(write_json(value))};
}

Result<Json> json_of(ByteView plain)
{
  return codec::parse_json(as_text(plain), limits);
}

/// One line of printable text: it may reach logs, terminals and other programs' input.
Result<std::string> line_at(const Json& in, std::string_view key)
{
  std::string out = TRY(in.get_string(key, ""));
  if (out.size() <= max_text && printable(out) == out && out.find('\n') == std::string::npos)
    return out;
  return fail(Errc::malformed, "'{}' is not one line of text", key);
}

Result<std::uint64_t> node_at(const Json& in)
{
  const std::uint64_t out = TRY(in.need_u64("node"));
  if (out >= 1 && out <= gateway::max_nodes) return out;
  return fail(Errc::malformed, "node {} (want 1 to {})", out, gateway::max_nodes);
}

Result<Time> time_at(const Json& in, std::string_view key)
{
  const std::uint64_t ms = TRY(in.need_u64(key));
  constexpr std::uint64_t most = 253'402'300'800'000; // the year 10000
  if (ms >= most) return fail(Errc::malformed, "'{}' is {}", key, ms);
  return Time{static_cast<std::int64_t>(ms)};
}

Result<std::string> id_at(const Json& in, std::string_view key)
{
  const std::string text = TRY(in.need_string(key));
  const Bytes raw = TRY(parse_hex(text).within("'{}'", key));
  if (raw.empty() || hex(raw) != text) return fail(Errc::malformed, "'{}' is no id", key);
  return text;
}

Json policy_json(const std::optional<route::PortPolicy>& policy)
{
  return policy ? route::to_json(*policy) : Json{};
}

Result<std::optional<route::PortPolicy>> policy_at(const Json& in, std::string_view key)
{
  const Json* value = in.find(key);
  if (value == nullptr || value->is_null()) return std::optional<route::PortPolicy>{};
  return std::optional{TRY(route::parse_port_policy(*value).within("'{}'", key))};
}

} // namespace

std::uint64_t mark_of(std::string_view instance_id)
{
  const auto digest = crypto::sha256(as_bytes(instance_id));
  return *ByteReader{digest}.u64be();
}

SecretBytes write(const Node& one)
{
  Json out;
  out.set("node", one.id).set("uuid", hex(one.uuid)).set("url", one.url);
  out.set("wg_public_key", one.wg_public_key).set("wg_ip", one.wg_ip);
  return text_of(out.set("wg_endpoint", one.wg_endpoint).set("version", one.version));
}

Result<Node> read_node(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Node out;
  out.id = TRY(node_at(in));
  out.uuid = TRY(parse_hex(TRY(in.need_string("uuid"))));
  if (out.uuid.size() != uuid_size)
    return fail(Errc::malformed, "a UUID of {} bytes", out.uuid.size());
  out.url = TRY(line_at(in, "url"));
  out.wg_public_key = TRY(line_at(in, "wg_public_key"));
  out.version = TRY(line_at(in, "version"));
  if (out.wg_public_key.empty()) return out;
  static_cast<void>(TRY(route::parse_wg_key(out.wg_public_key).within("wg_public_key")));
  out.wg_ip = TRY(line_at(in, "wg_ip"));
  static_cast<void>(TRY(route::parse_address_in_network(out.wg_ip).within("wg_ip")));
  out.wg_endpoint = TRY(line_at(in, "wg_endpoint"));
  return out;
}

SecretBytes write(const Standing& one)
{
  return text_of(Json{}.set("node", one.node).set("accepting", one.accepting));
}

Result<Standing> read_standing(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Standing out;
  out.node = TRY(node_at(in));
  out.accepting = TRY(in.get_bool("accepting", true));
  return out;
}

SecretBytes write(const route::RegistryEntry& one)
{
  Json out;
  out.set("instance", one.instance_id).set("app", one.app_id).set("compose", one.compose_hash);
  out.set("key", base64(one.public_key)).set("address", one.address.text());
  out.set("registered", one.registered.ms);
  return text_of(out.set("policy", policy_json(one.policies.reported)));
}

Result<route::RegistryEntry> read_instance(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  route::RegistryEntry out;
  out.instance_id = TRY(id_at(in, "instance"));
  out.app_id = TRY(id_at(in, "app"));
  out.compose_hash = hex(TRY(parse_hex(TRY(in.get_string("compose", ""))).within("'compose'")));
  out.public_key = TRY(route::parse_wg_key(TRY(in.need_string("key"))).within("'key'"));
  out.address = TRY(route::parse_address(TRY(in.need_string("address"))).within("'address'"));
  out.registered = TRY(time_at(in, "registered"));
  out.policies.reported = TRY(policy_at(in, "policy"));
  return out;
}

SecretBytes write(const Operated& one)
{
  Json out;
  out.set("instance", one.instance).set("policy", policy_json(one.policy));
  return text_of(out.set("drained", one.drained));
}

Result<Operated> read_operated(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Operated out;
  out.instance = TRY(id_at(in, "instance"));
  out.policy = TRY(policy_at(in, "policy"));
  out.drained = TRY(in.get_bool("drained", false));
  return out;
}

SecretBytes write(const gateway::DomainSettings& one)
{
  return text_of(
      Json{}.set("name", one.name).set("dns", one.dns).set("priority", one.priority));
}

Result<gateway::DomainSettings> read_domain(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  gateway::DomainSettings out;
  out.name = TRY(in.need_string("name"));
  const auto normal = gateway::normal_domain(out.name);
  if (!normal || *normal != out.name) return fail(Errc::malformed, "'name' is no domain");
  out.dns = TRY(line_at(in, "dns"));
  out.priority = TRY(in.get_u64("priority", 0));
  return out;
}

SecretBytes write(const Certificate& one)
{
  Json out;
  out.set("domain", one.domain).set("chain", one.chain_pem).set("key", one.key_pem);
  return text_of(out.set("issued", one.issued.ms).set("node", one.node));
}

Result<Certificate> read_certificate(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Certificate out;
  out.domain = TRY(line_at(in, "domain"));
  out.chain_pem = TRY(in.need_string("chain"));
  out.key_pem = TRY(in.need_string("key"));
  out.issued = TRY(time_at(in, "issued"));
  out.node = TRY(node_at(in));
  return out;
}

SecretBytes write(const Account& one)
{
  Json out;
  out.set("directory", one.directory_url).set("url", one.url);
  return text_of(out.set("key", base64(one.key_der.view())));
}

Result<Account> read_account(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Account out;
  out.directory_url = TRY(line_at(in, "directory"));
  out.url = TRY(line_at(in, "url"));
  out.key_der = SecretBytes{TRY(parse_base64(TRY(in.need_string("key"))).within("'key'"))};
  if (!out.url.empty() && !out.directory_url.empty()) return out;
  return fail(Errc::malformed, "an account of nobody");
}

SecretBytes write(const Attestation& one)
{
  Json out;
  out.set("subject", one.subject).set("public_key", hex(one.what.public_key));
  out.set("quote", one.what.quote).set("attestation", one.what.attestation);
  return text_of(out.set("at", one.what.at.ms));
}

Result<Attestation> read_attestation(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Attestation out;
  out.subject = TRY(line_at(in, "subject"));
  out.what.public_key = TRY(parse_hex(TRY(in.get_string("public_key", ""))));
  out.what.quote = TRY(in.need_string("quote"));
  out.what.attestation = TRY(in.get_string("attestation", ""));
  out.what.at = TRY(time_at(in, "at"));
  return out;
}

SecretBytes write(const Heard& one)
{
  ByteWriter packed;
  for (const auto& [mark, seconds] : one.instances)
    packed.u64be(mark).u32be(static_cast<std::uint32_t>(seconds));
  Json out;
  out.set("node", one.node).set("connections", one.connections);
  return text_of(out.set("heard", base64(packed.bytes())));
}

Result<Heard> read_heard(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Heard out;
  out.node = TRY(node_at(in));
  out.connections = TRY(in.get_u64("connections", 0));
  const Bytes packed = TRY(parse_base64(TRY(in.need_string("heard"))).within("'heard'"));
  if (packed.size() % heard_size != 0) return fail(Errc::malformed, "'heard' is cut off");
  for (ByteReader reader{packed}; reader.remaining() != 0;) {
    const std::uint64_t mark = TRY(reader.u64be());
    out.instances[mark] = TRY(reader.u32be());
  }
  return out;
}

SecretBytes write(const Challenges& one)
{
  Json out;
  out.set("node", one.node);
  out.set("alpn", codec::list_of(one.alpn, [](const Challenges::Alpn& is) {
            return Json{}
                .set("name", is.name)
                .set("certificate", is.certificate_pem)
                .set("key", is.key_pem);
          }));
  return text_of(out.set("http", codec::list_of(one.http, [](const Challenges::Http& is) {
                           return Json{}.set("host", is.host).set("path", is.path).set("body",
                                                                                       is.body);
                         })));
}

Result<Challenges> read_challenges(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Challenges out;
  out.node = TRY(node_at(in));
  const codec::JsonArray& alpn = TRY(in.need_array("alpn"))->items();
  const codec::JsonArray& http = TRY(in.need_array("http"))->items();
  if (alpn.size() + http.size() > max_challenges)
    return fail(Errc::malformed, "more than {} challenges", max_challenges);
  for (const Json& one : alpn) {
    const std::string name = TRY(line_at(one, "name"));
    const std::string certificate = TRY(one.need_string("certificate"));
    const std::string key = TRY(one.need_string("key"));
    out.alpn.push_back({name, certificate, key});
  }
  for (const Json& one : http) {
    const std::string host = TRY(line_at(one, "host"));
    const std::string path = TRY(line_at(one, "path"));
    const std::string body = TRY(line_at(one, "body"));
    out.http.push_back({host, path, body});
  }
  return out;
}

SecretBytes write(const Seen& one)
{
  return text_of(Json{}.set("node", one.node).set("revision", one.revision));
}

Result<Seen> read_seen(ByteView plain)
{
  const Json in = TRY(json_of(plain));
  Seen out;
  out.node = TRY(node_at(in));
  out.revision = static_cast<std::int64_t>(TRY(in.need_u64("revision")) & 0x7fff'ffff'ffff'ffffU);
  return out;
}

} // namespace dstack::cluster
