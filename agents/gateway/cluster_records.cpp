/// What the store says, record by record. One that is not ours, or makes no sense, is passed over:
/// what was known before it stays, and the others count.

#include "agents/gateway/cluster.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

template <class Told> Result<std::string> named(std::string name, const Told& told)
{
  TRY(Status{told});
  return name;
}

} // namespace

void Cluster::apply(const etcd::Event& event)
{
  const std::string& key = event.item.key;
  const auto kind = seal_.kind_of(key);
  if (!kind) {
    ++refused_;
    return log_.warning("cluster", "a key that no node made", {{"key", printable(key)}});
  }
  const auto known = held_.find(key);
  if (known != held_.end() && event.item.changed <= known->second.revision) return;
  if (event.deleted) {
    if (known == held_.end()) return;
    const Held before = known->second;
    remember(key, std::nullopt);
    return gone(before, key, event.item.changed);
  }
  Held next{*kind, event.item.changed, known == held_.end() ? "" : known->second.name};
  auto plain = seal_.open(key, event.item.value);
  auto name = plain ? took(*kind, key, *plain, event.item.changed)
                    : Result<std::string>{std::move(plain).error()};
  if (name) {
    next.name = *std::move(name);
  } else {
    ++refused_;
    log_.error("cluster", "a record that is not believed: " + name.error().message(),
               {{"key", key}});
  }
  remember(key, std::move(next));
}

/// What the record is of.
Result<std::string>
Cluster::took(Kind kind, const std::string& key, const SecretBytes& plain, std::int64_t revision)
{
  switch (kind) {
  case Kind::instance: {
    auto entry = TRY(cluster::read_instance(plain.view()));
    std::string id = entry.instance_id;
    hooks_.instance(id, std::move(entry), revision);
    return id;
  }
  case Kind::operated: {
    const auto one = TRY(cluster::read_operated(plain.view()));
    return named(one.instance, hooks_.operated(one));
  }
  case Kind::domain: {
    const auto one = TRY(cluster::read_domain(plain.view()));
    return named(one.name, hooks_.domain(one));
  }
  case Kind::certificate: {
    const auto one = TRY(cluster::read_certificate(plain.view()));
    return named(one.domain, hooks_.certificate(one));
  }
  case Kind::account: {
    const auto one = TRY(cluster::read_account(plain.view()));
    return named(one.directory_url, hooks_.account(one));
  }
  case Kind::attestation: {
    const auto one = TRY(cluster::read_attestation(plain.view()));
    return named(one.subject, hooks_.attestation(one));
  }
  case Kind::node:
  case Kind::alive:
  case Kind::standing:
  case Kind::heard:
  case Kind::challenge:
  case Kind::seen:
    return took_of_node(kind, key, plain);
  case Kind::cluster:
  case Kind::key:
  case Kind::address:
  case Kind::lock:
    break; // only transactions ask for these
  }
  return std::string{"-"};
}

Result<std::string>
Cluster::took_of_node(Kind kind, const std::string& key, const SecretBytes& plain)
{
  std::uint64_t id = 0;
  const auto of = [&](std::uint64_t node) -> NodeState& { return nodes_[id = node]; };
  std::optional<bool> standing;
  {
    const std::lock_guard lock{mutex_};
    if (kind == Kind::node) {
      const auto one = TRY(cluster::read_node(plain.view()));
      of(one.id).who = one;
    } else if (kind == Kind::alive) {
      of(TRY(cluster::read_standing(plain.view())).node).up = true;
    } else if (kind == Kind::standing) {
      const auto one = TRY(cluster::read_standing(plain.view()));
      of(one.node).accepting = one.accepting;
      if (one.node == node_) standing = one.accepting;
    } else if (kind == Kind::heard) {
      auto one = TRY(cluster::read_heard(plain.view()));
      of(one.node).wrote = sys::now();
      nodes_[id].heard = std::move(one);
    } else if (kind == Kind::challenge) {
      auto one = TRY(cluster::read_challenges(plain.view()));
      of(one.node).challenges[key] = std::move(one);
    } else {
      const auto one = TRY(cluster::read_seen(plain.view()));
      of(one.node).seen = one.revision;
    }
  }
  if (standing) TRY(hooks_.standing(*standing));
  return fmt::format("{}", id);
}

void Cluster::gone(const Held& held, const std::string& key, std::int64_t revision)
{
  const auto number = parse_u64(held.name);
  const std::uint64_t node = number ? *number : 0;
  Status told = ok();
  if (held.kind == Kind::instance && !held.name.empty()) {
    hooks_.instance(held.name, std::nullopt, revision);
  } else if (held.kind == Kind::operated && !held.name.empty()) {
    told = hooks_.operated({held.name, {}, false});
  } else if (held.kind == Kind::domain && !held.name.empty()) {
    told = hooks_.domain_gone(held.name);
  } else if (held.kind == Kind::alive && node != 0) {
    {
      const std::lock_guard lock{mutex_};
      nodes_[node].up = false;
    }
    moved_.notify_all();
    if (node == node_) return;
    log_.warning("cluster", "a node is gone", {{"node", held.name}});
    hooks_.revived(); // what it was doing may be ours to do now
  } else if (node != 0) {
    const std::lock_guard lock{mutex_};
    if (held.kind == Kind::node) nodes_[node].who.reset();
    if (held.kind == Kind::standing) nodes_[node].accepting = true;
    if (held.kind == Kind::heard) nodes_[node].heard = {};
    if (held.kind == Kind::challenge) nodes_[node].challenges.erase(key);
    if (held.kind == Kind::seen) nodes_[node].seen = 0;
  }
  if (!told) log_.error("cluster", told.error().message());
}

std::vector<gateway::NodeView> Cluster::others() const
{
  std::vector<gateway::NodeView> out;
  for (const auto& [id, state] : nodes_) {
    if (id == node_ || !state.who) continue;
    gateway::NodeView one;
    one.self.id = id;
    one.self.uuid = state.who->uuid;
    one.self.url = state.who->url;
    one.self.version = state.who->version;
    one.self.wg_public_key = state.who->wg_public_key;
    one.self.wg_ip = state.who->wg_ip;
    one.self.wg_endpoint = state.who->wg_endpoint;
    one.up = state.up;
    one.accepting = state.accepting;
    one.seen = state.wrote;
    one.connections = state.heard.connections;
    out.push_back(std::move(one));
  }
  return out;
}

gateway::StoreView Cluster::view() const
{
  gateway::StoreView out;
  out.there = true;
  out.healthy = healthy_;
  out.problem = healthy_ ? "" : problem_;
  out.member = client_.member();
  out.refused = refused_;
  return out;
}

Time Cluster::heard_of(const std::string& instance) const
{
  Time out{};
  for (const gateway::HeardView& one : heard_by(instance))
    out = std::max(out, one.at);
  return out;
}

std::vector<gateway::HeardView> Cluster::heard_by(const std::string& instance) const
{
  std::vector<gateway::HeardView> out;
  const std::uint64_t mark = cluster::mark_of(instance);
  for (const auto& [id, state] : nodes_) {
    const auto heard = state.heard.instances.find(mark);
    if (id != node_ && heard != state.heard.instances.end())
      out.push_back({id, Time{heard->second * second_ms}});
  }
  return out;
}

std::vector<cluster::Challenges> Cluster::challenges() const
{
  std::vector<cluster::Challenges> out;
  for (const auto& [id, state] : nodes_)
    for (const auto& [key, one] : state.challenges)
      if (id != node_) out.push_back(one);
  return out;
}

} // namespace dstack::gatewaynode
