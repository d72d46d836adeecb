#include "agents/gateway/cluster.hpp"

#include "sys/secret_files.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds patience{10'000};  ///< of a watch: then another member is asked
constexpr std::uint64_t page = 256;       ///< keys read at a time
constexpr std::size_t max_keys = 300'000; ///< four for each VM of the largest network, and more
constexpr std::int64_t heard_most_ms = 60'000;
constexpr unsigned store_threads = 4; ///< one watches, one gives signs of life
constexpr std::size_t max_store_queue = 1024;

Result<etcd::ClientSettings> client_settings(const Foundation& on)
{
  const gateway::ClusterSettings& from = on.settings.cluster;
  const auto file = [&](const std::string& name) {
    return name.empty() ? name : on.below(name).string();
  };
  etcd::ClientSettings out;
  out.endpoints = from.etcd;
  out.ca_file = file(from.ca_file);
  out.certificate_file = file(from.certificate_file);
  out.key_file = file(from.key_file);
  if (!out.key_file.empty()) TRY(sys::check_private(out.key_file).within("key_file"));
  out.user = from.user;
  if (!from.password_file.empty())
    out.password = TRY(sys::read_passphrase(on.below(from.password_file)).within("password_file"));
  out.timeout = from.timeout;
  return out;
}

/// The same on all nodes of the app, and nobody else's.
Result<SecretBytes> app_secret(const guestclient::GuestAgent& agent)
{
  codec::Json request;
  request.set("path", "gateway/cluster").set("purpose", "dstack-gateway-cluster");
  const auto answer = TRY(agent.ask("GetKey", request));
  SecretBytes out{TRY(parse_hex(TRY(answer.need_string("key"))))};
  if (out.size() >= cluster::least_secret) return out;
  return fail(Errc::malformed, "the guest agent's key has {} bytes", out.size());
}

} // namespace

Cluster::Cluster(sys::Loop& loop,
                 launch::Log& log,
                 Hooks hooks,
                 cluster::Seal seal,
                 etcd::ClientSettings client,
                 const gateway::Settings& settings)
    : loop_(loop), log_(log), hooks_(std::move(hooks)), seal_(std::move(seal)),
      client_(std::move(client)), node_(settings.cluster.node), lease_time_(settings.cluster.lease),
      heard_every_ms_(std::min(heard_most_ms, std::int64_t{settings.recycle_after.count() / 4}))
{
}

Result<std::unique_ptr<Cluster>>
Cluster::create(sys::Loop& loop, const Foundation& on, launch::Log& log, Hooks hooks)
{
  auto client = TRY(client_settings(on).within("[cluster]"));
  const SecretBytes secret = TRY(app_secret(on.agent).within("[cluster]: the key of the app"));
  std::unique_ptr<Cluster> out{new Cluster{loop, log, std::move(hooks),
                                           cluster::Seal{secret, on.settings.cluster.prefix},
                                           std::move(client), on.settings}};
  out->pool_ = TRY(sys::WorkerPool::create(loop, {store_threads, max_store_queue}));
  auto session = out->sign({}, {out->hooks_.self(), {}});
  if (session) {
    out->session_ = *std::move(session);
    out->id_ = out->session_.id;
    out->lease_ = out->session_.lease;
    out->alive_ = out->session_.alive;
    return out;
  }
  const Errc code = session.error().code();
  if (code != Errc::io && code != Errc::timeout) return std::move(session).error();
  out->problem_ = session.error().message();
  log.error("cluster", "served from what is on this disk: " + out->problem_);
  return out;
}

/// A node that ends in order is not waited for.
Cluster::~Cluster()
{
  for (const auto timer : {beat_timer_, look_timer_})
    loop_.cancel(timer);
  client_.stop();
  pool_.reset();
  if (healthy_ && session_.lease != 0) static_cast<void>(client_.revoke(session_.lease));
}

void Cluster::start()
{
  beat();
  look();
}

Status Cluster::not_now() const
{
  if (healthy_) return ok();
  return fail(Errc::io,
              "the nodes' store has no majority that this gateway hears: it takes nothing "
              "new now; ask another");
}

void Cluster::set_healthy(bool healthy, const std::string& problem)
{
  problem_ = problem;
  if (healthy_.exchange(healthy) == healthy) return;
  if (!healthy) return log_.error("cluster", "cut off from the store: " + problem);
  log_.info("cluster", "in touch with the store", {{"cluster", id_}, {"node", node_name()}});
  hooks_.revived();
}

void Cluster::look()
{
  if (revision_ == 0) {
    const auto answer = std::make_shared<Result<etcd::Found>>(fail(Errc::internal, "not asked"));
    if (!pool_->run([this, answer] { *answer = find_all(); },
                    [this, answer] { looked_at_all(*answer); }))
      look_again(fail(Errc::timeout, "too much else is to be done"));
    return;
  }
  const auto answer = std::make_shared<Result<etcd::Notice>>(fail(Errc::internal, "not asked"));
  const auto work = [this, answer, from = revision_ + 1] {
    *answer = client_.watch(seal_.prefix(), from, patience);
  };
  if (!pool_->run(work, [this, answer] { looked(*answer); }))
    look_again(fail(Errc::timeout, "too much else is to be done"));
}

void Cluster::look_again(const Error& why)
{
  if (!std::exchange(looking_failed_, true))
    log_.warning("cluster", "what others do is not heard now: " + why.message());
  look_timer_ = loop_.after(again_soon, [this] { look(); });
}

/// All keys at one revision, page by page.
Result<etcd::Found> Cluster::find_all()
{
  etcd::Found out;
  etcd::Range next{seal_.prefix(), etcd::end_of_prefix(seal_.prefix()), 0, page};
  for (bool more = true; more;) {
    auto answer = client_.range(next);
    if (!answer && answer.error().code() == Errc::unsupported && next.limit > 1) {
      next.limit /= 2; // long ones
      continue;
    }
    etcd::Found found = TRY(std::move(answer));
    if (next.revision == 0) out.revision = next.revision = found.revision;
    more = found.more && !found.all.empty();
    if (more) next.key = found.all.back().key + '\0';
    std::move(found.all.begin(), found.all.end(), std::back_inserter(out.all));
    if (out.all.size() > max_keys)
      return fail(Errc::untrusted, "more than {} keys below {}", max_keys, seal_.prefix());
  }
  return out;
}

void Cluster::looked_at_all(const Result<etcd::Found>& all)
{
  if (!all) return look_again(all.error());
  // Nothing is asked of a store that we are not signed in at: whose it is is not known.
  if (id_.empty()) return look_again(fail(Errc::io, "{}", problem_));
  looking_failed_ = false;
  std::set<std::string> there;
  for (const etcd::KeyValue& one : all->all) {
    there.insert(one.key);
    apply({false, one});
  }
  std::vector<etcd::Event> gone;
  std::set<std::string> instances;
  for (const auto& [key, held] : held_) {
    if (held.kind == Kind::instance) instances.insert(held.name);
    if (there.contains(key) || held.revision > all->revision) continue;
    etcd::Event event{true, {}};
    event.item.key = key;
    event.item.changed = all->revision;
    gone.push_back(std::move(event));
  }
  for (const etcd::Event& one : gone)
    apply(one);
  revision_ = all->revision;
  hooks_.all(instances, all->revision);
  hooks_.challenges();
  if (session_.lease != 0) tell_seen();
  if (session_.lease != 0) set_healthy(true, "");
  look();
}

void Cluster::looked(const Result<etcd::Notice>& notice)
{
  if (!notice) {
    // What is too much to be told in one go is read page by page.
    const Errc why = notice.error().code();
    if (why == Errc::malformed || why == Errc::unsupported) revision_ = 0;
    return look_again(notice.error());
  }
  looking_failed_ = false;
  if (revision_ == 0) return look(); // the store went back meanwhile
  if (notice->compacted != 0) {
    log_.info("cluster", "the store forgot what happened since: all of it is read again");
    revision_ = 0;
    return look();
  }
  bool challenged = false;
  for (const etcd::Event& one : notice->events) {
    apply(one);
    challenged = challenged || seal_.kind_of(one.item.key) == Kind::challenge;
    revision_ = std::max(revision_, one.item.changed);
  }
  if (challenged) {
    hooks_.challenges();
    tell_seen();
  }
  look();
}

/// Whoever waits for its challenges to be answered everywhere hears that they are here.
void Cluster::tell_seen()
{
  const std::string name = key(Kind::seen, node_name());
  auto put = sealed(name, cluster::write(cluster::Seen{node_, revision_}), lease_);
  if (!put) return log_.error("cluster", put.error().message());
  etcd::Transaction what;
  what.operations = {*std::move(put)};
  commit(std::move(what), [](const Result<etcd::Outcome>&) {});
}

void Cluster::commit(etcd::Transaction what, std::function<void(Result<etcd::Outcome>)> done)
{
  const auto answer = std::make_shared<Result<etcd::Outcome>>(fail(Errc::internal, "not asked"));
  const auto work = [this, answer, what = std::move(what)] { *answer = client_.commit(what); };
  if (!pool_->run(work, [answer, done] { done(std::move(*answer)); }))
    done(fail(Errc::timeout, "the gateway is busy: try again soon"));
}

Result<etcd::Put>
Cluster::sealed(const std::string& key, const SecretBytes& plain, std::int64_t lease) const
{
  Bytes value = TRY(seal_.close(key, plain.view()));
  return etcd::Put{key, std::move(value), lease};
}

void Cluster::remember(const std::string& key, std::optional<Held> held)
{
  {
    const std::lock_guard lock{mutex_};
    if (held)
      held_[key] = *std::move(held);
    else
      held_.erase(key);
  }
  moved_.notify_all();
}

std::int64_t Cluster::revision_of(const std::string& key) const
{
  const std::lock_guard lock{mutex_};
  const auto known = held_.find(key);
  return known == held_.end() ? 0 : known->second.revision;
}

bool Cluster::knows(Kind kind, std::string_view name) const
{
  return revision_of(key(kind, name)) != 0;
}

} // namespace dstack::gatewaynode
