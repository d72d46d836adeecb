#include "agents/gateway/node.hpp"

#include "crypto/x25519.hpp"
#include "fetch/http_client.hpp"
#include "sys/threads.hpp"
#include "verify/policy.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds look_every{10'000};          // spec gateway 7.2
constexpr milliseconds look_at_vms_every{2'000};    ///< of this machine
constexpr milliseconds renew_every{24 * 3'600'000}; ///< our own certificate
constexpr milliseconds renew_again{300'000};
constexpr unsigned least_workers = 8; // some wait for the disk, a webhook or a guest agent
constexpr std::size_t max_work_queue = 1024;
constexpr std::size_t uuid_size = 16;
constexpr std::size_t wg_key_size = 32;
constexpr std::string_view accepting_setting = "accepting";

Secret<wg_key_size> wg_key_of(ByteView random)
{
  Secret<wg_key_size> out;
  std::copy(random.begin(), random.end(), out.mutable_view().begin());
  // As `wg genkey` has them (RFC 7748 5).
  out.mutable_view()[0] &= 0xf8U;
  out.mutable_view()[wg_key_size - 1] =
      static_cast<std::uint8_t>((out.mutable_view()[wg_key_size - 1] & 0x7fU) | 0x40U);
  return out;
}

route::RegistrySettings registry_settings(const gateway::Settings& from, const route::WgKey& own)
{
  route::RegistrySettings out;
  // Settings have been read: these texts are what they should be.
  out.pool.gateway = *route::parse_address_in_network(from.wireguard.address);
  out.pool.clients = *route::parse_network(from.wireguard.clients);
  for (const std::string& one : from.wireguard.reserved)
    out.pool.reserved.push_back(*route::parse_network(one));
  out.own_key = own;
  out.max_instances_per_app = from.max_instances_per_app;
  out.forget_after_ms = from.recycle_after.count();
  out.shared = !from.cluster.alone();
  return out;
}

} // namespace

Node::Node(sys::Loop& loop, Foundation foundation, launch::Log log)
    : loop_(loop), on_(std::move(foundation)), log_(std::move(log))
{
}

Node::~Node()
{
  front_.reset(); // its threads ask the others
  custom_domains_.reset();
  workers_.reset();
  for (const auto timer : {look_timer_, identity_timer_})
    loop_.cancel(timer);
}

Result<std::unique_ptr<Node>> Node::create(sys::Loop& loop, Foundation foundation, launch::Log log)
{
  std::unique_ptr<Node> out{new Node{loop, std::move(foundation), std::move(log)}};
  TRY(out->open());
  return out;
}

Status Node::open()
{
  state_ = TRY(State::open(below(settings().state_file)));
  uuid_ = TRY(state_->identifier("uuid", uuid_size));
  accepting_ = TRY(state_->setting(std::string{accepting_setting})).value_or("yes") == "yes";
  added_domains_ = TRY(state_->domains());
  sys::WorkerLimits limits;
  limits.threads = std::max(least_workers, 2 * sys::processor_count());
  limits.max_queue = max_work_queue;
  workers_ = TRY(sys::WorkerPool::create(loop_, limits));
  TRY(take_identity(TRY(request_identity(on_.agent, settings().names).within("our certificate"))));
  TRY(make_wireguard());
  TRY(make_cluster());
  TRY(make_fleet());
  TRY(make_front());
  make_outside();
  make_admin();
  return ok();
}

Status Node::take_identity(const Identity& identity)
{
  net::TlsServerSettings settings;
  settings.chain_pem = identity.chain_pem;
  settings.key_pem = identity.key_pem;
  settings.client_ca_pem = identity.root_pem;
  settings.client_intermediates = 1; // the app's authority
  tls_ = TRY(net::TlsServer::create(settings).within("our certificate"));
  app_id_ = identity.app_id;
  return ok();
}

Status Node::make_wireguard()
{
  const Bytes random = TRY(state_->identifier("wireguard", wg_key_size));
  const auto key = wg_key_of(random);
  wg_public_key_ = base64(crypto::x25519_public(key));
  if (!settings().wireguard.enabled)
    no_wireguard_ = "it is switched off";
  else if (!may_make_interfaces())
    no_wireguard_ = "this process may not make network interfaces (CAP_NET_ADMIN)";
  if (!no_wireguard_.empty()) {
    log_.warning("node", "no WireGuard: only VMs of this machine are reached, through their "
                         "forwarded ports: " +
                             no_wireguard_);
    return ok();
  }
  wireguard_ = TRY(WireGuard::create(settings().wireguard, key).within("WireGuard"));
  log_.info("node", "WireGuard is up",
            {{"interface", settings().wireguard.interface}, {"by", wireguard_->kind()}});
  return ok();
}

Status Node::make_fleet()
{
  route::WgKey own{};
  const Bytes raw = *parse_base64(wg_public_key_);
  std::copy(raw.begin(), raw.end(), own.begin());
  Fleet::Hooks hooks;
  if (wireguard_)
    hooks.apply_peers = [this](const std::vector<route::WgPeer>& peers) {
      return wireguard_->apply(peers);
    };
  hooks.changed = [this] { changed(); };
  if (cluster_) {
    hooks.share = [this](const Sharing& what) { return cluster_->share(what); };
    hooks.forget = [this](const std::vector<Sharing>& gone) { cluster_->forget(gone); };
  }
  fleet_ = TRY(Fleet::create(registry_settings(settings(), own), *state_, *workers_, log_,
                             std::move(hooks)));
  PolicyFetch::Hooks fetching;
  fetching.find = [this](const std::string& id) { return fleet_->registry().find(id); };
  fetching.agent = [this](const route::RegistryEntry& entry) { return agent_of(entry); };
  fetching.fetched = [this](const route::RegistryEntry& entry, const route::PortPolicy& policy) {
    fleet_->set_fetched_policy(entry.instance_id, entry.compose_hash, policy);
  };
  policies_ = std::make_unique<PolicyFetch>(loop_, *workers_, log_, std::move(fetching));
  return ok();
}

gateway::Prove Node::prover() const
{
  return [prover = on_.prover, development = settings().development](
             const attest::Evidence& evidence, const verify::BoundData& data) {
    verify::Policy policy = verify::strict_policy();
    policy.allow_simulated = development;
    return prover->prove(evidence, data, policy, sys::now());
  };
}

std::optional<route::Endpoint> Node::agent_of(const route::RegistryEntry& entry) const
{
  const auto port = static_cast<std::uint16_t>(settings().proxy.agent_port);
  if (wireguard_) return route::Endpoint{entry.address, port};
  const auto vm = local_vms_.find(entry.instance_id);
  if (vm == local_vms_.end()) return std::nullopt;
  const auto forward = vm->second.find(port);
  if (forward == vm->second.end()) return std::nullopt;
  return forward->second;
}

void Node::ask_webhook(const attest::AppInfo& app, std::function<void(Status)> done)
{
  if (settings().webhook.url.empty()) return done(ok());
  const auto answer = std::make_shared<Status>(ok());
  const auto work = [answer, hook = settings().webhook, body = write_json(gateway::to_json(app))] {
    fetch::ClientRequest request;
    request.method = "POST";
    request.url = hook.url;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = body;
    fetch::ClientLimits limits;
    limits.connect = limits.total = hook.timeout;
    const auto said = fetch::HttpClient{}.send(request, limits);
    if (!said)
      *answer = fail(Errc::denied, "the webhook could not be asked");
    else if (said->status < 200 || said->status > 299)
      *answer = fail(Errc::denied, "the webhook says no ({})", said->status);
  };
  const auto told = [answer, done] { done(*answer); };
  if (!workers_->run(work, told)) done(fail(Errc::timeout, "the gateway is busy: try again soon"));
}

Status Node::make_front()
{
  custom_domains_ = TRY(CustomDomains::create(loop_, settings().proxy));
  Front::Hooks hooks;
  hooks.policy_wanted = [this](const std::string& instance) { policies_->want(instance); };
  hooks.custom_target = [this](const std::string& host, proxy::Outside::Answer answer) {
    custom_domains_->look_up(host, std::move(answer));
  };
  front_ = TRY(Front::create(settings().proxy, *workers_, std::move(hooks)).within("[proxy]"));
  if (const auto by_kernel = front_->kernel_tls(); !by_kernel)
    log_.warning("proxy", "kernel_tls: OpenSSL encrypts: " + by_kernel.error().message());
  Certificates::Hooks of_certificates;
  of_certificates.changed = [this] { changed(); };
  if (cluster_) {
    of_certificates.turn = [this](const std::string& domain) {
      return cluster_->turn(domain, settings().certificates.directory);
    };
    of_certificates.attested = [this](const cluster::Attestation& one) {
      cluster_->offer(cluster::Kind::attestation, one.subject + " " + hex(one.what.public_key),
                      cluster::write(one));
    };
  }
  certificates_ =
      TRY(Certificates::create(loop_, on_, *state_, *workers_, log_, std::move(of_certificates)));
  certificates_->set_domains(domains());
  changed();
  return ok();
}

void Node::changed()
{
  if (!certificates_) return;
  FrontInput input;
  for (const gateway::DomainSettings& one : domains())
    if (one.has_apps()) input.domains.push_back(one.name);
  input.entries = fleet_->registry().entries();
  if (!wireguard_) input.forwards = &local_vms_;
  input.certificates = certificates_->served();
  input.challenges = certificates_->challenges();
  input.pages_socket = below(pages_socket_name).string();
  const Status published = front_->publish(std::move(input));
  if (!published) log_.error("proxy", published.error().message());
  note_facts();
}

void Node::note_facts()
{
  for (const route::RegistryEntry& entry : fleet_->registry().entries()) {
    const auto heard = heard_.find(entry.public_key);
    front_->note(entry.instance_id, heard == heard_.end() ? 0 : heard->second.ms,
                 fleet_->is_drained(entry.instance_id));
  }
}

void Node::domains_changed()
{
  certificates_->set_domains(domains());
  changed();
}

void Node::keep_up()
{
  for (const route::RegistryEntry& entry : fleet_->registry().entries())
    alive_[entry.public_key] = sys::now();
  for (const std::string& id : fleet_->without_policy())
    policies_->want(id);
  look_around();
  if (cluster_) cluster_->start();
  identity_timer_ = loop_.after(renew_every, [this] { renew_identity(); });
}

void Node::look_around()
{
  look_timer_ = loop_.after(wireguard_ ? look_every : look_at_vms_every, [this] { look_around(); });
  if (!wireguard_) {
    look_at_vms();
    return recycle();
  }
  if (looking_) return;
  using Answer = Result<route::WgState>;
  const auto answer = std::make_shared<Answer>(fail(Errc::internal, "not asked"));
  const auto work = [this, answer] {
    const Status apart = wireguard_->keep_apart();
    *answer = apart ? wireguard_->state() : Answer{apart.error()};
  };
  looking_ = workers_->run(work, [this, answer] { looked(*answer); });
}

void Node::looked(const Result<route::WgState>& state)
{
  looking_ = false;
  if (!state) return log_.error("wireguard", state.error().message());
  heard_.clear();
  for (const route::WgPeerState& peer : state->peers)
    if (peer.latest_handshake != 0) heard_[peer.public_key] = Time{peer.latest_handshake * 1000};
  recycle();
  note_facts();
}

/// An interface that was made anew has heard of nobody, and VMs keep their registration for as long
/// as they keep their key: both say nothing against an instance. Nor does a clock that was set.
void Node::recycle()
{
  const Time now = sys::now();
  const bool jumped = clock_.jumped(now, sys::monotonic_ms());
  if (jumped) log_.warning("node", "the clock was set: nobody counts as gone because of that");
  route::Registry::Handshakes next;
  for (const route::RegistryEntry& entry : fleet_->registry().entries()) {
    Time& last = next[entry.public_key];
    if (jumped) last = now;
    for (const auto* known : {&alive_, &heard_}) {
      const auto at = known->find(entry.public_key);
      if (at != known->end()) last = std::max(last, at->second);
    }
  }
  alive_ = std::move(next);
  if (!cluster_) return fleet_->heard(alive_, now);
  route::Registry::Handshakes by_all = alive_;
  for (const route::RegistryEntry& entry : fleet_->registry().entries()) {
    Time& last = by_all[entry.public_key];
    last = std::max(last, cluster_->heard_of(entry.instance_id));
  }
  share_again();
  fleet_->heard(by_all, now);
}

void Node::look_at_vms()
{
  if (on_.launch.vms_directory.empty()) return;
  auto vms = read_local_vms(on_.launch.vms_directory);
  if (!vms) return log_.error("vms", vms.error().message());
  if (*vms == local_vms_) return;
  local_vms_ = *std::move(vms);
  changed();
}

void Node::renew_identity()
{
  using Answer = Result<Identity>;
  const auto answer = std::make_shared<Answer>(fail(Errc::internal, "not asked"));
  const auto work = [answer, agent = on_.agent, names = settings().names] {
    *answer = request_identity(agent, names);
  };
  const auto done = [this, answer] {
    const Status taken = *answer ? take_identity(**answer) : Status{answer->error()};
    if (!taken) log_.error("node", "our certificate stays the old one: " + taken.error().message());
    identity_timer_ = loop_.after(taken ? renew_every : renew_again, [this] { renew_identity(); });
  };
  if (!workers_->run(work, done))
    identity_timer_ = loop_.after(renew_again, [this] { renew_identity(); });
}

Status Node::reload()
{
  auto next = TRY(read_settings(on_.directory, on_.launch));
  Foundation with = on_;
  with.settings.dns = next.dns;
  TRY(certificates_->reload(with));
  gateway::Settings fixed = next;
  fixed.domains = settings().domains;
  fixed.dns = settings().dns;
  fixed.webhook = settings().webhook;
  fixed.names = settings().names;
  fixed.url = settings().url;
  if (fixed != settings())
    log_.warning("node", "some of what has changed in gateway.toml counts after a restart only");
  on_.settings.domains = std::move(next.domains);
  on_.settings.dns = std::move(next.dns);
  on_.settings.webhook = std::move(next.webhook);
  on_.settings.names = std::move(next.names);
  on_.settings.url = std::move(next.url);
  ++counters_.reloads;
  loop_.cancel(identity_timer_);
  renew_identity();
  domains_changed();
  return ok();
}

} // namespace dstack::gatewaynode
