/// What changes a node while it runs.

#include "agents/kms/node.hpp"
#include "agents/kms/peer.hpp"
#include "sys/clock.hpp"
#include "x509/certificate.hpp"

namespace dstack::kmsnode {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds settle{100}; ///< editors write a file in several steps
constexpr milliseconds refresh_soon{60'000};
constexpr milliseconds ask_peers_again{15'000};
constexpr milliseconds release_deadline{60'000};
constexpr milliseconds look_again{10};
/// Evidence of our own that is older says nothing of today's TCB (spec kms 18.3, trap 22).
constexpr std::int64_t max_self_age = 24 * 3600;

} // namespace

template <class T>
void Node::offload(std::function<Result<T>()> work, std::function<void(Result<T>)> then)
{
  const auto result = std::make_shared<std::optional<Result<T>>>();
  const bool taken = pool_->run(
      [work = std::move(work), result] {
        *result = work();
        wipe_stack();
      },
      [then, result] { then(std::move(**result)); });
  if (!taken) then(fail(Errc::timeout, "busy: too much is waiting already"));
}

Status Node::keep_up()
{
  const sys::fs::path file = below(settings().policy_file);
  watch_ = TRY(sys::DirectoryWatch::create(
      loop_, file.parent_path(),
      [this, name = file.filename().string()](const std::string& changed) {
        if (!changed.empty() && changed != name) return;
        loop_.cancel(reload_timer_);
        reload_timer_ = loop_.after(settle, [this] { static_cast<void>(reload_policy()); });
      }));
  refresh_after(settings().self_refresh);
  return ok();
}

Status Node::reload_policy()
{
  auto loaded = load_policy(below(settings().policy_file));
  if (!loaded) {
    ++metrics_.counters.policy_reload_failures;
    // A file that is replaced in two steps is gone for a moment: its coming back is told again.
    if (policy_problem_ != loaded.error().message()) {
      policy_problem_ = loaded.error().message();
      log_.error("policy", "not usable, the rules in force stay: " + policy_problem_);
      record("policy-refused", policy_problem_);
    }
    return loaded.error();
  }
  policy_problem_.clear();
  if (loaded->digest == state_->policy_digest) return ok();
  ++metrics_.counters.policy_reloads;
  kmsapi::State next = *state_;
  next.policy = std::move(loaded->policy);
  next.policy_digest = std::move(loaded->digest);
  set(std::move(next));
  log_.info("policy", "new rules are in force", {{"sha256", state_->policy_digest}});
  record("policy-loaded", "");
  refresh_self(); // under the new rules for evidence
  return ok();
}

Status Node::reload()
{
  auto prover = TRY(make_prover(on_.options, settings().collateral));
  {
    const std::lock_guard lock{prover_mutex_};
    on_.prover = std::move(prover);
  }
  TRY(reload_policy());
  refresh_self();
  return ok();
}

void Node::refresh_after(milliseconds delay)
{
  loop_.cancel(refresh_timer_);
  refresh_timer_ = loop_.after(delay, [this] { refresh_self(); });
}

/// A new key, certificate and attestation. The old ones serve until these are there.
void Node::refresh_self()
{
  loop_.cancel(refresh_timer_);
  const auto state = state_;
  const auto work = [this, state]() -> Result<ServerIdentity> {
    if (state->root)
      return rpc_identity(on_.agent, prove_, *state->policy, state->root->material.root.ca,
                          identity_request());
    return sealed_identity(on_.agent, prove_, *state->policy, identity_request());
  };
  const auto then = [this, was_open = state->root != nullptr](Result<ServerIdentity> got) {
    // Opened or sealed meanwhile: that made an identity of its own.
    if (was_open != (state_->root != nullptr)) return refresh_after(settings().self_refresh);
    refreshed(std::move(got));
  };
  offload<ServerIdentity>(work, then);
}

void Node::refreshed(Result<ServerIdentity> identity)
{
  kmsapi::State next = *state_;
  if (identity) {
    const Status serving =
        serve_with(*identity, next.root ? x509::to_pem(next.root->open.temp_ca) : std::string{});
    if (serving) next.self = identity->self;
  } else {
    log_.warning("self", "not attested anew: " + identity.error().message());
    // What could not be asked for may be had later; what was refused is refused.
    const Errc code = identity.error().code();
    const bool refused = code == Errc::untrusted || code == Errc::denied;
    if (refused || sys::now().seconds() - self_at_ > max_self_age) next.self = identity.error();
  }
  set(std::move(next));
  refresh_after(identity ? settings().self_refresh
                         : std::min(refresh_soon, settings().self_refresh));
}

void Node::lock(Done done)
{
  if (sealed()) return done(fail(Errc::denied, "the KMS is sealed already"));
  const auto policy = state_->policy;
  offload<Sealed>([this, policy] { return prepare_sealed(*policy); },
                  [this, done = std::move(done)](Result<Sealed> ready) {
                    if (!ready) return done(ready.error());
                    const std::weak_ptr<const vault::OpenRoot> root = state_->root;
                    const Status sealed = install(*std::move(ready));
                    if (!sealed) return done(sealed);
                    record("locked", "");
                    log_.info("node", "the root is sealed again");
                    await_release(root, sys::Deadline{release_deadline}, done);
                    ask_peers();
                  });
}

/// Requests under way still hold the root; they end by their own deadlines.
void Node::await_release(std::weak_ptr<const vault::OpenRoot> root, sys::Deadline until, Done done)
{
  if (root.expired()) {
    wipe_stack();
    return done(ok());
  }
  if (until.passed())
    return done(fail(Errc::timeout, "sealed, but a request under way still holds the root"));
  loop_.after(look_again, [this, root = std::move(root), until, done = std::move(done)] {
    await_release(root, until, done);
  });
}

void Node::unlock(SecretBytes passphrase, Done done)
{
  if (!sealed()) return done(fail(Errc::denied, "the root is open already"));
  if (custody_->provider != vault::Provider::passphrase)
    return done(fail(Errc::denied, "this root is opened by its custodians: dstack kms unseal"));
  const auto policy = state_->policy;
  const auto secret = std::make_shared<SecretBytes>(std::move(passphrase));
  offload<Opened>(
      [this, policy, secret]() -> Result<Opened> {
        return prepare(TRY(vault_.open(*secret, sys::now().seconds())), *policy);
      },
      [this, done = std::move(done)](Result<Opened> opened) {
        if (!opened) {
          record("unlock-refused", opened.error().message());
          return done(opened.error());
        }
        const Status open = install(*std::move(opened));
        if (open) record("unlocked", "passphrase");
        done(open);
      });
}

void Node::rotate(Done done)
{
  const auto root = state_->root;
  if (!root) return done(fail(Errc::denied, "the KMS is sealed"));
  offload<std::shared_ptr<const vault::OpenRoot>>(
      [this, root]() -> Result<std::shared_ptr<const vault::OpenRoot>> {
        auto next = TRY(vault_.rotate(*root, sys::now().seconds()));
        kms::ReplicationEntry entry;
        entry.event = kms::ReplicationEvent::rotated;
        entry.epoch = next.open.current_epoch();
        entry.about = fmt::format("epoch {}", entry.epoch);
        TRY(replication_->append(std::move(entry), next.material.root.k256, sys::now()));
        return std::make_shared<const vault::OpenRoot>(std::move(next));
      },
      [this, done = std::move(done)](Result<std::shared_ptr<const vault::OpenRoot>> next) {
        if (!next) return done(next.error());
        kmsapi::State state = *state_;
        if (!state.root) return done(fail(Errc::denied, "the KMS was sealed meanwhile"));
        public_root_ = (*next)->open;
        state.root = *std::move(next);
        set(std::move(state));
        record("rotated", fmt::format("epoch {}", state_->root->open.current_epoch()));
        done(ok());
      });
}

void Node::add_share(Bytes file, std::string from, std::function<void(Result<std::string>)> done)
{
  const auto unsealing = unsealing_;
  if (!unsealing)
    return done(fail(Errc::denied, "no shares are wanted: the KMS is not sealed, or "
                                   "waits for a passphrase"));
  const auto counted = unsealing->add(file);
  wipe(file);
  if (!counted) {
    record("share-refused", fmt::format("from {}: {}", from, counted.error().message()));
    log_.warning("unseal", counted.error().message(), {{"from", from}});
    return done(counted.error());
  }
  record("share-in", fmt::format("from {}: {}", from, unsealing->progress()));
  log_.info("unseal", unsealing->progress(), {{"from", from}});
  if (!unsealing->complete()) return done(unsealing->progress());
  open_when_complete(std::move(done));
}

void Node::open_when_complete(std::function<void(Result<std::string>)> done)
{
  const auto policy = state_->policy;
  const auto unsealing = unsealing_;
  offload<Opened>(
      [this, policy, unsealing]() -> Result<Opened> {
        return prepare(TRY(unsealing->open(vault_, sys::now())), *policy);
      },
      [this, done = std::move(done), unsealing](Result<Opened> opened) {
        if (!opened) {
          log_.error("unseal", opened.error().message());
          return done(opened.error());
        }
        const std::string progress = unsealing->progress();
        if (!sealed()) return done(progress + "; the root is open");
        const Status open = install(*std::move(opened));
        if (!open) return done(open.error());
        record("unsealed", progress);
        log_.info("node", "the root is open");
        done(progress + "; the root is open");
      });
}

/// The other KMS that hold a share of ours, for as long as we are sealed.
void Node::ask_peers()
{
  loop_.cancel(peers_timer_);
  if (!unsealing_ || settings().custodian_peers.empty()) return;
  for (const kms::CustodianPeer& peer : settings().custodian_peers) {
    const auto state = state_;
    const auto cluster = public_root_->cluster;
    const auto work = [this, state, cluster, peer]() -> Result<std::string> {
      const std::string vm_config = TRY(on_.agent.vm_config());
      auto link = TRY(PeerLink::open(
          TRY(kmsclient::parse_url(peer.url)),
          PeerNeeds{on_.agent, prove_, outside_.decide, *state->policy, vm_config, sys::now()}));
      codec::Json asked;
      asked.set("cluster", hex(cluster)).set("vm_config", vm_config);
      const std::string body = TRY(link.call("Custody.Release", asked));
      return TRY(codec::parse_json(body)).need_string("share");
    };
    offload<std::string>(work, [this, peer](Result<std::string> share) {
      if (!unsealing_) return;
      if (!share) return log_.warning("custody", share.error().message(), {{"peer", peer.name}});
      add_share(to_bytes(*share), peer.url, [](const Result<std::string>&) {});
    });
  }
  peers_timer_ = loop_.after(ask_peers_again, [this] { ask_peers(); });
}

} // namespace dstack::kmsnode
