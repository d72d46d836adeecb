#include "gateway/admin.hpp"

#include "codec/json_list.hpp"
#include "gateway/admin_nodes.hpp"
#include "gateway/messages.hpp"

#include <algorithm>

namespace dstack::gateway {

using codec::Json;
using rpc::Method;

namespace {

constexpr std::int64_t online_ms = 300'000; // spec gateway 4, GetMeta

std::int64_t seconds_of(const std::optional<Time>& at)
{
  return at ? at->seconds() : 0;
}

Json host_json(const HostView& host, const Self& self)
{
  Json out;
  out.set("instance_id", host.entry.instance_id).set("ip", host.entry.address.text());
  out.set("app_id", host.entry.app_id).set("base_domain", self.base_domain);
  out.set("latest_handshake", Time{host.handshake_ms}.seconds());
  out.set("num_connections", host.connections).set("drained", host.drained);
  out.set("registered", host.entry.registered.seconds()).set("failures", host.failures);
  return out.set("ports", host.reached);
}

Json domain_json(const DomainView& domain, const Self& self)
{
  Json config;
  config.set("domain", domain.settings.name);
  config.set("dns_cred_id", domain.settings.dns.empty() ? Json{} : Json{domain.settings.dns});
  config.set("port", self.external_port).set("node", Json{});
  config.set("priority", domain.settings.priority);
  Json status;
  status.set("has_cert", domain.not_after.has_value())
      .set("not_after", seconds_of(domain.not_after));
  status.set("issued_by", domain.not_after ? self.id : 0);
  status.set("issued_at", seconds_of(domain.issued));
  status.set("loaded_in_memory", domain.not_after.has_value()).set("problem", domain.problem);
  return Json{}.set("config", std::move(config)).set("cert_status", std::move(status));
}

Json domains_json(const View& view)
{
  return codec::list_of(view.domains,
                        [&](const DomainView& one) { return domain_json(one, view.self); });
}

Json status_json(const View& view)
{
  Json out;
  out.set("schema", "dstack.gateway.status/1");
  out.set("id", view.self.id).set("url", view.self.url).set("bootnode_url", "");
  out.set("num_connections", view.live);
  out.set("hosts", codec::list_of(view.hosts,
                                  [&](const HostView& one) { return host_json(one, view.self); }));
  out.set("nodes", nodes_json(view)).set("store", store_json(view.store));
  out.set("uuid", hex(view.self.uuid));
  out.set("version", view.self.version).set("status", view.accepting ? "up" : "down");
  out.set("reach", view.reach).set("domains", domains_json(view));
  out.set("development", view.development).set("app_id", hex(view.self.app_id));
  out.set("rpc", view.rpc_url);
  return out.set("proxy", codec::list_of(view.proxy));
}

const HostView* find(const View& view, std::string_view instance)
{
  const auto found = std::find_if(view.hosts.begin(), view.hosts.end(), [&](const HostView& one) {
    return one.entry.instance_id == instance;
  });
  return found == view.hosts.end() ? nullptr : &*found;
}

const DomainView* find_domain(const View& view, std::string_view name)
{
  const auto found = std::find_if(view.domains.begin(), view.domains.end(),
                                  [&](const DomainView& one) { return one.settings.name == name; });
  return found == view.domains.end() ? nullptr : &*found;
}

Error unknown_instance(std::string_view instance)
{
  return fail(Errc::not_found, "no instance {} is registered", printable(instance));
}

Error unknown_domain(std::string_view name)
{
  return fail(Errc::not_found, "no domain '{}' is configured", printable(name));
}

Json policy_json(const std::optional<route::PortPolicy>& policy)
{
  return policy ? route::to_json(*policy) : Json{};
}

Result<Json> instance_policy(const View& view, const std::string& instance)
{
  const HostView* host = find(view, instance);
  if (host == nullptr) return unknown_instance(instance);
  const route::InstancePolicies& policies = host->entry.policies;
  const route::PortPolicy* effective = policies.effective();
  Json out;
  out.set("effective", effective == nullptr ? Json{} : route::to_json(*effective));
  out.set("source", policies.set_by_admin ? "admin" : policies.reported ? "instance" : "none");
  out.set("instance_reported", policy_json(policies.reported));
  return out.set("admin_override", policy_json(policies.set_by_admin));
}

Result<Json> handshakes(const View& view, const std::string& instance)
{
  const HostView* host = find(view, instance);
  if (host == nullptr) return unknown_instance(instance);
  std::vector<HeardView> all = host->heard;
  all.push_back({view.self.id, Time{host->handshake_ms}});
  return Json{}.set("handshakes", codec::list_of(all, [](const HeardView& one) {
                      return Json{}
                          .set("observer_node_id", one.node)
                          .set("timestamp", one.at.seconds());
                    }));
}

Result<DomainSettings> domain_of(const Json& params)
{
  DomainSettings out;
  out.name = TRY(normal_domain(TRY(params.get_string("domain", ""))));
  out.dns = TRY(params.get_string("dns_cred_id", ""));
  out.priority = TRY(params.get_u64("priority", 0));
  return out;
}

Json attested_json(const Attested& one, std::uint64_t node)
{
  return Json{}
      .set("public_key", hex(one.public_key))
      .set("quote", one.quote)
      .set("generated_by", node)
      .set("generated_at", one.at.seconds());
}

Result<Json> list_attestations(const AdminOutside& outside, const Json& params)
{
  const std::string name = TRY(normal_domain(TRY(params.get_string("domain", ""))));
  const std::uint64_t limit = TRY(params.get_u64("limit", 0));
  auto all = TRY(outside.attestations(name));
  const std::uint64_t node = outside.view().self.id;
  Json latest = all.empty() ? Json{} : attested_json(all.front(), node);
  if (limit != 0 && all.size() > limit) all.resize(limit);
  return Json{}
      .set("latest", std::move(latest))
      .set("history",
           codec::list_of(all, [&](const Attested& one) { return attested_json(one, node); }));
}

/// CAA records of all domains, one after the other; the error names those that failed.
class CaaRun : public std::enable_shared_from_this<CaaRun> {
public:
  CaaRun(const AdminOutside& outside, std::vector<std::string> domains, Method::Done done)
      : outside_(outside), domains_(std::move(domains)), done_(std::move(done))
  {
  }
  void next()
  {
    if (at_ == domains_.size()) return finish();
    const std::string& name = domains_[at_++];
    outside_.set_caa(name, [self = shared_from_this(), &name](const Status& what) {
      if (!what) self->failed_.push_back(fmt::format("{}: {}", name, what.error().message()));
      self->next();
    });
  }

private:
  void finish()
  {
    if (failed_.empty()) return done_(Json::object());
    done_(fail(Errc::io, "CAA records were not set: {}", join(failed_, "; ")));
  }

  const AdminOutside& outside_;
  std::vector<std::string> domains_;
  Method::Done done_;
  std::size_t at_ = 0;
  std::vector<std::string> failed_{};
};

std::vector<std::string> domain_names(const View& view)
{
  std::vector<std::string> out;
  for (const DomainView& one : view.domains)
    out.push_back(one.settings.name);
  return out;
}

void add_instances(rpc::Service& to, const AdminOutside& outside)
{
  const auto& none = messages::none();
  to.methods["SetInstancePortPolicy"] = Method::later(
      messages::set_port_policy(), none, [&outside](const Json& params, Method::Done done) {
        const Json* policy = params.find("policy");
        if (policy->is_null()) return done(fail(Errc::malformed, "'policy' is missing"));
        const auto read = route::parse_port_policy(*policy);
        if (!read) return done(read.error());
        outside.set_policy(*params.need_string("instance_id"), *read, when(std::move(done)));
      });
  to.methods["ClearInstancePortPolicy"] = Method::later(
      messages::instance_id(), none, [&outside](const Json& params, Method::Done done) {
        outside.set_policy(*params.need_string("instance_id"), std::nullopt,
                           when(std::move(done)));
      });
  to.methods["GetInstancePortPolicy"] = {
      messages::instance_id(), messages::instance_policy(), [&outside](const Json& params) {
        return instance_policy(outside.view(), *params.need_string("instance_id"));
      }};
  to.methods["DrainInstance"] = Method::later(
      messages::drain_instance(), none, [&outside](const Json& params, Method::Done done) {
        const auto drained = params.get_bool("drained", false);
        if (!drained) return done(drained.error());
        outside.drain(*params.need_string("instance_id"), *drained, when(std::move(done)));
      });
  to.methods["GetInstanceHandshakes"] = {
      messages::instance_id(), messages::handshakes(), [&outside](const Json& params) {
        return handshakes(outside.view(), *params.need_string("instance_id"));
      }};
  to.methods["GetInfo"] = {
      messages::id(),
      {{1, "found", rpc::FieldKind::boolean},
       {2, "info", rpc::FieldKind::message, rpc::Need::optional, messages::host_info()}},
      [&outside](const Json& params) -> Result<Json> {
        const View view = outside.view();
        const HostView* host = find(view, *params.need_string("id"));
        return Json{}
            .set("found", host != nullptr)
            .set("info", host == nullptr ? Json{} : host_json(*host, view.self));
      }};
}

void add_domains(rpc::Service& to, const AdminOutside& outside)
{
  const auto& none = messages::none();
  to.methods["ListZtDomains"] = {none, messages::zt_domains(),
                                 [&outside](const Json&) -> Result<Json> {
                                   return Json{}.set("domains", domains_json(outside.view()));
                                 }};
  const auto one_domain = [&outside](const std::string& name) -> Result<Json> {
    const View view = outside.view();
    const DomainView* domain = find_domain(view, name);
    if (domain == nullptr) return unknown_domain(name);
    return domain_json(*domain, view.self);
  };
  to.methods["GetZtDomain"] = {messages::domain(), messages::zt_domain_info(),
                               [one_domain](const Json& params) -> Result<Json> {
                                 return one_domain(
                                     TRY(normal_domain(*params.need_string("domain"))));
                               }};
  to.methods["AddZtDomain"] = Method::later(
      messages::zt_domain(), messages::zt_domain_info(),
      [&outside, one_domain](const Json& params, Method::Done done) {
        const auto wanted = domain_of(params);
        if (!wanted) return done(wanted.error());
        if (find_domain(outside.view(), wanted->name) != nullptr)
          return done(fail(Errc::denied, "domain '{}' is there already", wanted->name));
        outside.add_domain(*wanted, [one_domain, name = wanted->name, done](const Status& added) {
          done(added ? one_domain(name) : Result<Json>{added.error()});
        });
      });
  to.methods["DeleteZtDomain"] = Method::later(
      messages::domain(), none, [&outside](const Json& params, Method::Done done) {
        const auto name = normal_domain(*params.need_string("domain"));
        if (!name) return done(name.error());
        outside.delete_domain(*name, when(std::move(done)));
      });
  to.methods["RenewZtDomainCert"] = {
      messages::renew_domain(), messages::renewed_domain(),
      [&outside](const Json& params) -> Result<Json> {
        const std::string name = TRY(normal_domain(*params.need_string("domain")));
        TRY(outside.renew(name));
        const View view = outside.view();
        const DomainView* domain = find_domain(view, name);
        return Json{}
            .set("renewed", true)
            .set("not_after", domain == nullptr ? 0 : seconds_of(domain->not_after));
      }};
  to.methods["RenewCert"] = {none, messages::renewed(), [&outside](const Json&) -> Result<Json> {
                               const auto names = domain_names(outside.view());
                               for (const std::string& name : names)
                                 TRY(outside.renew(name));
                               return Json{}.set("renewed", !names.empty());
                             }};
  to.methods["SetCaa"] = Method::later(none, none, [&outside](const Json&, Method::Done done) {
    std::make_shared<CaaRun>(outside, domain_names(outside.view()), std::move(done))->next();
  });
  to.methods["ReloadCert"] =
      Method::later(none, none, [&outside](const Json&, Method::Done done) {
        when(std::move(done))(outside.reload());
      });
  to.methods["ListCertAttestations"] = {
      messages::list_attestations(), messages::attestations(),
      [&outside](const Json& params) { return list_attestations(outside, params); }};
}

} // namespace

bool is_online(const HostView& host, Time now)
{
  return host.handshake_ms != 0 && now.ms - host.handshake_ms < online_ms;
}

rpc::Service admin_service(const AdminOutside& outside)
{
  const auto& none = messages::none();
  rpc::Service out;
  out.mount = "/prpc/";
  out.trimmed_prefix = "Admin.";
  out.methods["Status"] = {none, messages::status(), [&outside](const Json&) -> Result<Json> {
                             return status_json(outside.view());
                           }};
  out.methods["GetMeta"] = {none, messages::meta(), [&outside](const Json&) -> Result<Json> {
                              const View view = outside.view();
                              const auto online = std::count_if(
                                  view.hosts.begin(), view.hosts.end(),
                                  [&](const HostView& one) { return is_online(one, view.now); });
                              return Json{}
                                  .set("registered", std::uint64_t{view.hosts.size()})
                                  .set("online", std::int64_t{online});
                            }};
  out.methods["Exit"] = {messages::exit(), none, [&outside](const Json& params) -> Result<Json> {
                           outside.exit(TRY(params.get_bool("force", false)));
                           return Json::object();
                         }};
  add_instances(out, outside);
  add_domains(out, outside);
  add_nodes(out, outside);
  return out;
}

} // namespace dstack::gateway
