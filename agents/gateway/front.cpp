#include "agents/gateway/front.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

/// Settings have been read: their texts are what they should be.
proxy::PlaneSettings plane_settings(const gateway::ProxySettings& from)
{
  proxy::PlaneSettings out;
  for (const std::string& one : from.listen)
    out.listen.push_back(*route::parse_endpoint(one));
  for (const std::string& one : from.trusted_proxies)
    out.trust.peers.push_back(*route::parse_network(one));
  out.workers = static_cast<unsigned>(from.workers);
  out.timeouts.handshake_ms = from.handshake_timeout.count();
  out.timeouts.hello_ms = from.handshake_timeout.count();
  out.timeouts.proxy_header_ms = from.handshake_timeout.count();
  out.timeouts.idle_ms = from.idle_timeout.count();
  out.timeouts.total_ms = from.total_timeout.count();
  out.balance.candidates = from.candidates;
  out.balance.max_connections_per_app = from.max_connections_per_app;
  out.race.total_ms = from.connect_timeout.count();
  out.sources.max_open = static_cast<std::uint32_t>(from.max_per_source);
  out.sources.per_second = static_cast<std::uint32_t>(from.new_per_source);
  out.sources.burst = 2 * out.sources.per_second;
  out.max_connections = from.max_connections;
  out.splice_after = from.splice_after;
  out.kernel_tls = from.kernel_tls;
  return out;
}

} // namespace

Result<std::unique_ptr<Front>>
Front::create(const gateway::ProxySettings& settings, sys::WorkerPool& workers, Hooks hooks)
{
  std::unique_ptr<Front> out{new Front{workers, std::move(hooks)}};
  proxy::Outside outside;
  outside.custom_target = [self = out.get()](const std::string& host,
                                             proxy::Outside::Answer answer) {
    self->hooks_.custom_target(host, std::move(answer));
  };
  outside.policy_wanted = [self = out.get()](const std::string& instance) {
    self->want_policy(instance);
  };
  out->plane_ = TRY(proxy::Plane::create(plane_settings(settings), std::move(outside)));
  return out;
}

/// On a worker of the plane, possibly often.
void Front::want_policy(const std::string& instance)
{
  {
    const std::lock_guard lock{mutex_};
    if (!wanted_.insert(instance).second) return;
  }
  const auto forget = [this, instance] {
    const std::lock_guard lock{mutex_};
    wanted_.erase(instance);
  };
  const auto tell = [this, instance, forget] {
    forget();
    hooks_.policy_wanted(instance);
  };
  if (!workers_.run([] {}, tell)) forget(); // the next connection asks again
}

std::shared_ptr<proxy::Backend> Front::backend_of(const std::string& instance)
{
  std::shared_ptr<proxy::Backend>& out = backends_[instance];
  if (!out) out = std::make_shared<proxy::Backend>();
  return out;
}

Status Front::publish(FrontInput input)
{
  proxy::World world;
  world.domains = std::move(input.domains);
  world.certificates = std::move(input.certificates);
  world.challenges = std::move(input.challenges);
  world.pages_socket = std::move(input.pages_socket);
  std::vector<route::InstanceRecord> records;
  std::map<std::string, std::shared_ptr<proxy::Backend>> kept;
  for (route::RegistryEntry& entry : input.entries) {
    proxy::Target target;
    target.backend = kept[entry.instance_id] = backend_of(entry.instance_id);
    if (input.forwards != nullptr) {
      const auto ports = input.forwards->find(entry.instance_id);
      target.forwards = ports == input.forwards->end() ? Forwards{} : ports->second;
    }
    world.targets.push_back(std::move(target));
    records.push_back({std::move(entry.instance_id), std::move(entry.app_id), entry.address,
                       std::move(entry.policies)});
  }
  backends_ = std::move(kept);
  world.table = std::make_shared<const route::AppTable>(std::move(records));
  return plane_->publish(std::move(world));
}

void Front::note(const std::string& instance, std::int64_t handshake_ms, bool drained)
{
  const auto known = backends_.find(instance);
  if (known == backends_.end()) return;
  known->second->handshake_ms = handshake_ms;
  known->second->drained = drained;
}

void Front::add_to(gateway::View& view) const
{
  for (gateway::HostView& host : view.hosts) {
    const auto known = backends_.find(host.entry.instance_id);
    if (known == backends_.end()) continue;
    host.connections = known->second->connections;
    host.failures = known->second->failures;
    host.bytes_in = known->second->bytes_in;
    host.bytes_out = known->second->bytes_out;
  }
  const proxy::Totals totals = plane_->totals();
  view.live = totals.live;
  for (std::size_t i = 0; i < proxy::count_kinds; ++i) {
    const auto what = static_cast<proxy::Count>(i);
    view.data_plane.push_back({std::string{name_of(what)}, totals.of(what)});
  }
  for (std::size_t i = 0; i < proxy::refusal_kinds; ++i) {
    const auto why = static_cast<route::RefusedFor>(i);
    view.refused.push_back({std::string{route::name_of(why)}, totals.of(why)});
  }
  for (const route::Endpoint& one : plane_->listening())
    view.proxy.push_back(one.text());
}

} // namespace dstack::gatewaynode
