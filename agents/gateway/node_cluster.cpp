/// What a node does because it has others beside it.

#include "agents/gateway/node.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

using cluster::Kind;

constexpr std::string_view cluster_setting = "cluster"; ///< the one that all of this is shared with

bool says_something(const cluster::Operated& what)
{
  return what.policy || what.drained;
}

} // namespace

Status Node::make_cluster()
{
  if (settings().cluster.alone()) return ok();
  cluster_ = TRY(Cluster::create(loop_, on_, log_, cluster_hooks()));
  return ok();
}

Cluster::Hooks Node::cluster_hooks()
{
  Cluster::Hooks out;
  out.self = [this] { return as_node(); };
  out.heard = [this] { return heard_here(); };
  out.instance = [this](const std::string& id, std::optional<route::RegistryEntry> entry,
                        std::int64_t revision) {
    fleet_->follow(id, std::move(entry), revision);
  };
  out.operated = [this](const cluster::Operated& one) { return fleet_->follow(one); };
  out.domain = [this](const gateway::DomainSettings& one) { return follow_domain(one); };
  out.domain_gone = [this](const std::string& name) { return drop_domain(name); };
  out.certificate = [this](const cluster::Certificate& one) { return certificates_->follow(one); };
  out.account = [this](const cluster::Account& one) { return certificates_->follow(one); };
  out.attestation = [this](const cluster::Attestation& one) { return certificates_->follow(one); };
  out.challenges = [this] { certificates_->answer_too(cluster_->challenges()); };
  out.standing = [this](bool accepting) { return set_accepting(accepting); };
  out.store_went_back = [this] { fleet_->store_went_back(); };
  out.all = [this](const std::set<std::string>& instances, std::int64_t revision) {
    followed_all(instances, revision);
  };
  out.revived = [this] {
    certificates_->hurry();
    share_what_is_here();
  };
  return out;
}

cluster::Node Node::as_node() const
{
  const gateway::Self from = self();
  cluster::Node out;
  out.id = from.id;
  out.uuid = from.uuid;
  out.url = from.url;
  out.wg_public_key = from.wg_public_key;
  out.wg_ip = from.wg_ip;
  out.wg_endpoint = from.wg_endpoint;
  out.version = from.version;
  return out;
}

cluster::Heard Node::heard_here() const
{
  cluster::Heard out;
  out.node = settings().cluster.node;
  out.connections = front_ ? front_->live() : 0;
  for (const route::RegistryEntry& entry : fleet_->registry().entries()) {
    const auto at = alive_.find(entry.public_key);
    if (at != alive_.end() && at->second.ms > 0)
      out.instances[cluster::mark_of(entry.instance_id)] = at->second.seconds();
  }
  return out;
}

/// What was here before this node shared anything is everybody's now; what the store had, and has
/// no more, is gone.
void Node::followed_all(const std::set<std::string>& instances, std::int64_t revision)
{
  const auto before = state_->setting(std::string{cluster_setting});
  const bool same = before && *before && **before == cluster_->id();
  sharing_ = !same;
  fleet_->followed_all(instances, revision, same ? Fleet::Unknown::drop : Fleet::Unknown::publish);
  if (same)
    for (const gateway::DomainSettings& one : std::vector{added_domains_})
      if (!cluster_->knows(Kind::domain, one.name))
        if (const Status dropped = drop_domain(one.name); !dropped)
          log_.error("node", dropped.error().message());
  share_what_is_here();
  changed();
}

void Node::share_what_is_here()
{
  const std::uint64_t self = settings().cluster.node;
  if (!accepting_)
    cluster_->offer(Kind::standing, fmt::format("{}", self),
                    cluster::write(cluster::Standing{self, false}));
  for (const gateway::DomainSettings& one : added_domains_)
    cluster_->offer(Kind::domain, one.name, cluster::write(one));
  if (sharing_)
    for (const route::RegistryEntry& entry : fleet_->registry().entries())
      if (const auto set = fleet_->operated(entry.instance_id); says_something(set))
        cluster_->offer(Kind::operated, entry.instance_id, cluster::write(set));
  const auto known = certificates_->known(self);
  if (!known) return log_.error("certificates", known.error().message());
  for (const cluster::Certificate& one : known->certificates)
    cluster_->offer(Kind::certificate, one.domain, cluster::write(one));
  if (known->account)
    cluster_->offer(Kind::account, known->account->directory_url, cluster::write(*known->account));
  for (const cluster::Attestation& one : known->attestations)
    cluster_->offer(Kind::attestation, one.subject + " " + hex(one.what.public_key),
                    cluster::write(one));
}

/// Until all that was here is in the store.
void Node::share_again()
{
  if (!sharing_) return;
  if (!fleet_->all_shared()) return fleet_->followed_all({}, 0, Fleet::Unknown::publish);
  const Status kept = state_->set_setting(std::string{cluster_setting}, cluster_->id());
  if (!kept) return log_.error("node", kept.error().message());
  sharing_ = false;
}

std::vector<gateway::NodeView> Node::node_views() const
{
  std::vector<gateway::NodeView> out;
  if (cluster_) out = cluster_->others();
  gateway::NodeView own;
  own.self = self();
  own.accepting = accepting_;
  own.seen = sys::now();
  out.push_back(std::move(own));
  std::sort(out.begin(), out.end(), [](const gateway::NodeView& a, const gateway::NodeView& b) {
    return a.self.id < b.self.id;
  });
  return out;
}

std::vector<gateway::Self> Node::nodes() const
{
  std::vector<gateway::Self> out;
  for (gateway::NodeView& one : node_views())
    if (one.up && one.accepting) out.push_back(std::move(one.self));
  return out;
}

Status Node::follow_domain(const gateway::DomainSettings& domain)
{
  TRY(state_->add_domain(domain));
  added_domains_ = TRY(state_->domains());
  domains_changed();
  return ok();
}

Status Node::drop_domain(const std::string& name)
{
  TRY(state_->delete_domain(name));
  added_domains_ = TRY(state_->domains());
  domains_changed();
  return ok();
}

void Node::set_operated(cluster::Operated what, Done done)
{
  if (fleet_->registry().find(what.instance) == nullptr)
    return done(
        fail(Errc::not_found, "no instance {} is registered", printable(what.instance)));
  cluster_->put(Kind::operated, what.instance, cluster::write(what), std::move(done));
}

void Node::set_standing(std::uint64_t node, bool accepting, Done done)
{
  if (!cluster_) return done(set_accepting(accepting));
  cluster_->put(Kind::standing, fmt::format("{}", node),
                cluster::write(cluster::Standing{node, accepting}), std::move(done));
}

void Node::add_domain(const gateway::DomainSettings& domain, Done done)
{
  if (!domain.dns.empty() && !settings().dns.contains(domain.dns))
    return done(fail(Errc::not_found, "no [dns.{}] in gateway.toml", printable(domain.dns)));
  if (!cluster_) return done(follow_domain(domain));
  cluster_->put(Kind::domain, domain.name, cluster::write(domain), std::move(done));
}

void Node::delete_domain(const std::string& name, Done done)
{
  const auto is_here = [this, name] {
    return std::any_of(added_domains_.begin(), added_domains_.end(),
                       [&](const gateway::DomainSettings& one) { return one.name == name; });
  };
  if (!cluster_ || !is_here()) return done(drop_domain(name));
  cluster_->erase(Kind::domain, name, [this, name, is_here, done](const Status& erased) {
    // The store may never have had it.
    done(erased && is_here() ? drop_domain(name) : erased);
  });
}

} // namespace dstack::gatewaynode
