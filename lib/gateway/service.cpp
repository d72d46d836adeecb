#include "gateway/service.hpp"

#include "codec/json_list.hpp"
#include "gateway/messages.hpp"

namespace dstack::gateway {

using codec::Json;

namespace {

constexpr std::string_view mount = "/prpc/";
constexpr std::string_view prefix = "Tproxy."; // spec gateway 2: not "Gateway."

Json node_json(const Self& self, Time now)
{
  return Json{}
      .set("id", self.id)
      .set("uuid", hex(self.uuid))
      .set("url", self.url)
      .set("last_seen", now.seconds())
      .set("wg_public_key", self.wg_public_key)
      .set("wg_ip", self.wg_ip)
      .set("wg_endpoint", self.wg_endpoint);
}

Json registered_json(const GatewayOutside& outside, const route::RegistryEntry& entry)
{
  const Self self = outside.self();
  Json servers = Json::array();
  Json gateways = Json::array();
  for (const Self& node : outside.nodes()) {
    if (!node.wg_public_key.empty())
      servers.push(Json{}
                       .set("pk", node.wg_public_key)
                       .set("ip", node.wg_ip)
                       .set("endpoint", node.wg_endpoint));
    if (!node.url.empty()) gateways.push(node_json(node, outside.now()));
  }
  Json wg;
  wg.set("client_ip", entry.address.text()).set("servers", std::move(servers));
  Json agent;
  agent.set("external_port", self.external_port).set("internal_port", self.agent_port);
  agent.set("domain", self.base_domain).set("app_address_ns_prefix", self.txt_prefix);
  return Json{}
      .set("wg", std::move(wg))
      .set("agent", std::move(agent))
      .set("gateways", std::move(gateways));
}

Result<route::Enrolment> enrolment_of(const attest::AppInfo& app, const Json& params)
{
  route::Enrolment out;
  out.app_id = app.app_id;
  out.instance_id = app.instance_id;
  out.compose_hash = app.compose_hash;
  const std::string key = TRY(params.get_string("client_public_key", ""));
  out.public_key = TRY(route::parse_wg_key(key).within("client_public_key"));
  const Json* policy = params.find("port_policy");
  if (policy != nullptr && !policy->is_null())
    out.reported = TRY(route::parse_port_policy(*policy).within("port_policy"));
  return out;
}

void register_cvm(const GatewayOutside& outside,
                  const Caller& caller,
                  const Json& params,
                  rpc::Method::Done done)
{
  // Nothing here may say "no attestation provided": guests take that for an old gateway's word and
  // come back with another certificate (spec gateway 7.1).
  if (!caller.app)
    return done(fail(Errc::denied, "only a VM can register, with a client certificate of its own "
                                   "that the KMS has signed with its app info"));
  if (!outside.accepting())
    return done(fail(Errc::denied, "this gateway takes no registrations now"));
  const auto wanted = enrolment_of(*caller.app, params);
  if (!wanted) return done(wanted.error());
  outside.admit(*caller.app, [&outside, wanted = *wanted, done = std::move(done)](Status admitted) {
    if (!admitted) return done(admitted.error());
    outside.enrol(wanted, [&outside, done](const Result<route::RegistryEntry>& entry) {
      if (!entry) return done(entry.error());
      done(registered_json(outside, *entry));
    });
  });
}

Json info_json(const Self& self)
{
  return Json{}
      .set("base_domain", self.base_domain)
      .set("external_port", self.external_port)
      .set("app_address_ns_prefix", self.txt_prefix)
      .set("version", self.version);
}

Result<Json> peers_json(const GatewayOutside& outside, const Caller& caller)
{
  const Self self = outside.self();
  if (caller.app_id.empty() || caller.app_id != self.app_id)
    return fail(Errc::denied, "only gateways of this app are told of the others");
  Json peers = Json::array();
  for (const Self& node : outside.nodes())
    if (node.id != self.id) peers.push(Json{}.set("id", node.id).set("url", node.url));
  return Json{}.set("my_id", self.id).set("my_url", self.url).set("peers", std::move(peers));
}

Json key_json(const Attested& key)
{
  return Json{}
      .set("public_key", hex(key.public_key))
      .set("quote", key.quote)
      .set("attestation", key.attestation);
}

} // namespace

std::string_view gateway_method(const http::Request& request)
{
  return rpc::method_name(mount, prefix, request).value_or(std::string_view{});
}

rpc::Service gateway_service(const GatewayOutside& outside, const Caller& caller)
{
  using rpc::Method;
  const auto& none = messages::none();
  rpc::Service out;
  out.mount = mount;
  out.trimmed_prefix = prefix;
  out.methods["RegisterCvm"] =
      Method::later(messages::register_cvm(), messages::registered(),
                    [&outside, caller](const Json& params, Method::Done done) {
                      register_cvm(outside, caller, params, std::move(done));
                    });
  out.methods["Info"] = {none, messages::info(), [&outside](const Json&) -> Result<Json> {
                           return info_json(outside.self());
                         }};
  out.methods["AcmeInfo"] = {none, messages::acme_info(), [&outside](const Json&) -> Result<Json> {
                               return outside.acme_info();
                             }};
  out.methods["GetPeers"] = {none, messages::peers(), [&outside, caller](const Json&) {
                               return peers_json(outside, caller);
                             }};
  return out;
}

Json acme_info_json(const std::string& account_url,
                    const std::optional<Attested>& account,
                    const std::vector<Attested>& keys)
{
  Json out;
  out.set("account_uri", account_url);
  out.set("quoted_hist_keys", codec::list_of(keys, key_json));
  out.set("account_quote", account ? account->quote : "");
  out.set("account_attestation", account ? account->attestation : "");
  return out.set("hist_keys",
                 codec::list_of(keys, [](const Attested& key) { return hex(key.public_key); }));
}

Json to_json(const attest::AppInfo& info)
{
  Json out;
  out.set("app_id", hex(info.app_id)).set("compose_hash", hex(info.compose_hash));
  out.set("instance_id", hex(info.instance_id)).set("device_id", hex(info.device_id));
  out.set("mr_system", hex(info.mr_system)).set("mr_aggregated", hex(info.mr_aggregated));
  out.set("os_image_hash", hex(info.os_image_hash));
  out.set("key_provider_info", hex(as_bytes(info.key_provider)));
  return out.set("init_script_hashes",
                 codec::list_of(info.init_script_hashes, [](const Bytes& h) { return hex(h); }));
}

} // namespace dstack::gateway
