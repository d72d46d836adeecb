/// What a node tells of itself, and does for those who ask.

#include "agents/gateway/node.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

void Node::make_outside()
{
  outside_.now = sys::now;
  outside_.self = [this] { return self(); };
  outside_.nodes = [this] { return nodes(); };
  outside_.accepting = [this] { return accepting_; };
  outside_.admit = [this](const attest::AppInfo& app, std::function<void(Status)> done) {
    ask_webhook(app, std::move(done));
  };
  outside_.enrol = [this](const route::Enrolment& who,
                          const gateway::GatewayOutside::Enrolled& done) {
    fleet_->enrol(who, [this, done](const Result<route::RegistryEntry>& entry) {
      ++(entry ? counters_.registrations : counters_.registrations_refused);
      if (entry) alive_[entry->public_key] = sys::now();
      if (entry && entry->policies.effective() == nullptr) policies_->want(entry->instance_id);
      done(entry);
    });
  };
  outside_.acme_info = [this] { return certificates_->acme_info(); };
}

void Node::make_admin()
{
  admin_.view = [this] { return view(); };
  admin_.set_policy = [this](const std::string& id, std::optional<route::PortPolicy> policy,
                             const Done& done) {
    if (!cluster_) return done(fleet_->set_admin_policy(id, policy));
    cluster::Operated next = fleet_->operated(id);
    next.policy = std::move(policy);
    set_operated(std::move(next), done);
  };
  admin_.drain = [this](const std::string& id, bool drained, const Done& done) {
    if (!cluster_) return done(fleet_->set_drained(id, drained));
    cluster::Operated next = fleet_->operated(id);
    next.drained = drained;
    set_operated(std::move(next), done);
  };
  admin_.set_accepting = [this](std::uint64_t node, bool accepting, const Done& done) {
    set_standing(node, accepting, done);
  };
  admin_.add_domain = [this](const gateway::DomainSettings& domain, const Done& done) {
    add_domain(domain, done);
  };
  admin_.delete_domain = [this](const std::string& name, const Done& done) {
    delete_domain(name, done);
  };
  admin_.renew = [this](const std::string& domain) { return certificates_->renew(domain); };
  admin_.set_caa = [this](const std::string& domain, gateway::AdminOutside::Done done) {
    certificates_->set_caa(domain, std::move(done));
  };
  admin_.reload = [this] { return reload(); };
  admin_.attestations = [this](const std::string& domain) {
    return state_->attestations("zt-cert:" + domain, 0);
  };
  admin_.exit = [this](bool now) {
    if (exit_) exit_(now);
  };
}

Status Node::set_accepting(bool accepting)
{
  TRY(state_->set_setting("accepting", accepting ? "yes" : "no"));
  accepting_ = accepting;
  return ok();
}

/// Those of the file first; one that is in both counts as the file has it.
std::vector<gateway::DomainSettings> Node::domains() const
{
  std::vector<gateway::DomainSettings> out = settings().domains;
  for (const gateway::DomainSettings& one : added_domains_)
    if (std::none_of(out.begin(), out.end(),
                     [&](const gateway::DomainSettings& there) { return there.name == one.name; }))
      out.push_back(one);
  return out;
}

gateway::Self Node::self() const
{
  gateway::Self out;
  out.id = settings().cluster.node;
  out.uuid = uuid_;
  out.app_id = app_id_;
  out.version = DSTACK_VERSION;
  out.url = settings().url;
  if (wireguard_) {
    out.wg_public_key = wg_public_key_;
    out.wg_ip = settings().wireguard.address;
    out.wg_endpoint = settings().wireguard.endpoint;
  }
  auto all = domains();
  std::erase_if(all, [](const gateway::DomainSettings& one) { return !one.has_apps(); });
  const auto best =
      std::max_element(all.begin(), all.end(),
                       [](const gateway::DomainSettings& a, const gateway::DomainSettings& b) {
                         return a.priority < b.priority;
                       });
  if (best != all.end()) out.base_domain = best->name;
  out.external_port = settings().proxy.external_port;
  out.agent_port = settings().proxy.agent_port;
  out.txt_prefix = settings().proxy.txt_prefix;
  return out;
}

gateway::HostView Node::host_view(const route::RegistryEntry& entry) const
{
  gateway::HostView out;
  out.entry = entry;
  out.drained = fleet_->is_drained(entry.instance_id);
  const auto handshake = heard_.find(entry.public_key);
  if (handshake != heard_.end()) out.handshake_ms = handshake->second.ms;
  if (cluster_) out.heard = cluster_->heard_by(entry.instance_id);
  if (wireguard_) return out;
  const auto vm = local_vms_.find(entry.instance_id);
  out.reached =
      vm == local_vms_.end() ? "no VM of this machine has that instance id" : text_of(vm->second);
  return out;
}

gateway::View Node::view() const
{
  gateway::View out;
  out.self = self();
  out.development = settings().development;
  out.accepting = accepting_;
  out.reach = wireguard_
                  ? fmt::format("WireGuard ({})", wireguard_->kind())
                  : fmt::format("forwarded ports of this machine's VMs only: {}", no_wireguard_);
  out.rpc_url = rpc_url_;
  out.now = sys::now();
  out.nodes = node_views();
  if (cluster_) out.store = cluster_->view();
  for (const route::RegistryEntry& entry : fleet_->registry().entries())
    out.hosts.push_back(host_view(entry));
  const auto of_file = settings().domains.size();
  const auto all = domains();
  for (std::size_t i = 0; i < all.size(); ++i) {
    gateway::DomainView one;
    one.settings = all[i];
    one.added = i >= of_file;
    out.domains.push_back(std::move(one));
  }
  certificates_->add_to(out.domains);
  front_->add_to(out);
  for (gateway::NodeView& one : out.nodes)
    if (one.self.id == out.self.id) one.connections = out.live;
  out.control = {{"custom_domains_asked", custom_domains_->asked()},
                 {"registrations", counters_.registrations},
                 {"registrations_refused", counters_.registrations_refused},
                 {"evidence_refused", counters_.evidence_refused},
                 {"instances_forgotten", fleet_->forgotten()},
                 {"state_writes", fleet_->writes()},
                 {"reloads", counters_.reloads}};
  return out;
}

} // namespace dstack::gatewaynode
