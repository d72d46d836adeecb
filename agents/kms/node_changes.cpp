/// What changes a node while it runs.

#include "agents/kms/node.hpp"
#include "agents/kms/onboarding.hpp"
#include "sys/clock.hpp"
#include "x509/certificate.hpp"

namespace dstack::kmsnode {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds settle{100}; ///< editors write a file in several steps
constexpr milliseconds refresh_soon{60'000};
constexpr milliseconds ask_peers_again{15'000};
constexpr milliseconds release_deadline{60'000};
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

template <class T>
void Node::change_root(std::string_view change,
                       std::function<Result<T>()> work,
                       std::function<void(Result<T>)> then)
{
  if (!changing_.empty())
    return then(
        fail(Errc::timeout, "the root is just being {}: ask again when that is done", changing_));
  changing_ = change;
  offload<T>(std::move(work), [this, then = std::move(then)](Result<T> got) {
    changing_ = {};
    then(std::move(got));
  });
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
  ++generation_;
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
  ++generation_;
  const Status read = reload_policy();
  refresh_self();
  return read;
}

void Node::refresh_after(milliseconds delay)
{
  loop_.cancel(refresh_timer_);
  refresh_timer_ = loop_.after(delay, [this] { refresh_self(); });
}

/// A new key, certificate and attestation. The old ones serve until these are there. What comes
/// back when root, rules or prover are no longer those that it was made with is made again.
void Node::refresh_self()
{
  loop_.cancel(refresh_timer_);
  if (std::exchange(refreshing_, true)) return;
  const auto state = state_;
  const auto work = [this, state]() -> Result<ServerIdentity> {
    if (state->root)
      return rpc_identity(on_.agent, prove_, *state->policy, state->root->material.root.ca,
                          identity_request());
    return sealed_identity(on_.agent, prove_, *state->policy, identity_request());
  };
  const auto then = [this, generation = generation_](Result<ServerIdentity> got) {
    refreshing_ = false;
    if (generation != generation_) return refresh_self();
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
  const auto work = [this, policy = state_->policy, shown = *public_root_] {
    return prepare_sealed(*policy, shown);
  };
  const auto then = [this, generation = generation_, done](Result<Sealed> ready) {
    if (!ready) return done(ready.error());
    const std::weak_ptr<const vault::OpenRoot> root = state_->root;
    const Status sealed = install(*std::move(ready), generation);
    if (!sealed) return done(sealed);
    record("locked", "");
    log_.info("node", "the root is sealed again");
    // Requests under way still hold the root; they end by their own deadlines.
    keeper_->await(root, release_deadline, [done](Status gone) {
      wipe_stack();
      done(std::move(gone).within("sealed"));
    });
    ask_peers();
  };
  change_root<Sealed>("locked", work, then);
}

void Node::unlock(SecretBytes passphrase, Done done)
{
  if (!sealed()) return done(fail(Errc::denied, "the root is open already"));
  if (custody_->provider != vault::Provider::passphrase)
    return done(fail(Errc::denied, "this root is opened by its custodians: dstack kms unseal"));
  const auto secret = std::make_shared<SecretBytes>(std::move(passphrase));
  const auto work = [this, policy = state_->policy, secret]() -> Result<Opened> {
    return prepare(TRY(vault_.open(*secret, sys::now().seconds())), *policy);
  };
  const auto then = [this, generation = generation_, done](Result<Opened> opened) {
    if (!opened) {
      refuse("unlock-refused", opened.error().message());
      return done(opened.error());
    }
    const Status open = install(*std::move(opened), generation);
    if (open) record("unlocked", "passphrase");
    done(open);
  };
  change_root<Opened>("opened", work, then);
}

void Node::rotate(Done done)
{
  const auto root = state_->root;
  if (!root) return done(fail(Errc::denied, "the KMS is sealed"));
  const auto work = [this, root]() -> Result<vault::Rotation> {
    return vault::add_epoch(vault_, *root, *replication_, sys::now());
  };
  const auto then = [this, done](Result<vault::Rotation> rotation) {
    done(rotation ? follow(*std::move(rotation), "rotated") : Status{rotation.error()});
  };
  change_root<vault::Rotation>("given another epoch", work, then);
}

Status Node::follow(vault::Rotation rotation, std::string_view event)
{
  if (rotation.root) {
    kmsapi::State state = *state_;
    public_root_ = rotation.root->open;
    state.root = keeper_->keep(*std::move(rotation.root));
    set(std::move(state));
    record(std::string{event}, fmt::format("epoch {}", public_root_->current_epoch()));
  }
  if (!rotation.done) log_.error("node", rotation.done.error().message());
  return rotation.done;
}

void Node::sync(std::string url, std::function<void(Result<std::size_t>)> done)
{
  if (sealed()) return done(fail(Errc::denied, "the KMS is sealed"));
  const auto work = [this, state = state_, url]() -> Result<vault::Rotation> {
    const std::string vm_config = TRY(on_.agent.vm_config());
    auto peer = TRY(link_to(url, *state->policy, vm_config));
    if (!equal(peer.authorities().root.spki, state->root->open.ca_spki))
      return fail(Errc::untrusted, "{} has another root: it is no replica of this KMS", url);
    const vault::RootMaterial theirs = TRY(fetch_root(peer, vm_config));
    return vault::take_epochs(vault_, *state->root, {theirs, url}, *replication_, sys::now());
  };
  const auto then = [this, before = state_->root->open.epochs.size(),
                     done](Result<vault::Rotation> rotation) {
    const Status all = rotation ? follow(*std::move(rotation), "synced") : Status{rotation.error()};
    if (!all) return done(all.error());
    done(state_->root->open.epochs.size() - before);
  };
  change_root<vault::Rotation>("given another epoch", work, then);
}

void Node::add_share(Bytes file, std::string from, ShareDone done)
{
  const auto unsealing = unsealing_;
  if (!unsealing)
    return done(fail(Errc::denied, "no shares are wanted: the KMS is not sealed, or "
                                   "waits for a passphrase"));
  const auto share = std::make_shared<SecretBytes>(std::move(file));
  offload<unsigned>([unsealing, share] { return unsealing->add(share->view()); },
                    [this, unsealing, from = std::move(from),
                     done = std::move(done)](const Result<unsigned>& counted) {
                      share_counted(unsealing, from, counted, done);
                    });
}

void Node::share_counted(const std::shared_ptr<Unsealing>& at,
                         const std::string& from,
                         const Result<unsigned>& counted,
                         ShareDone done)
{
  if (!counted) {
    refuse("share-refused", fmt::format("from {}: {}", from, counted.error().message()));
    log_.warning("unseal", counted.error().message(), {{"from", from}});
    return done(counted.error());
  }
  const std::string progress = at->progress();
  record("share-in", fmt::format("from {}: {}", from, progress));
  log_.info("unseal", progress, {{"from", from}});
  if (!sealed()) return done(progress + "; the root is open");
  if (at != unsealing_)
    return done(fail(Errc::denied, "the KMS was opened and sealed again meanwhile: it waits for "
                                   "shares that are sealed to its new key"));
  if (!at->complete() || !changing_.empty()) return done(progress);
  open_when_complete(std::move(done));
}

void Node::open_when_complete(ShareDone done)
{
  const auto unsealing = unsealing_;
  const auto work = [this, policy = state_->policy, unsealing]() -> Result<Opened> {
    return prepare(TRY(unsealing->open(vault_, sys::now())), *policy);
  };
  const auto then = [this, generation = generation_, done = std::move(done),
                     unsealing](Result<Opened> opened) {
    const Status open = opened ? install(*std::move(opened), generation) : Status{opened.error()};
    if (!open) {
      log_.error("unseal", open.error().message());
      return done(open.error());
    }
    record("unsealed", unsealing->progress());
    log_.info("node", "the root is open");
    done(unsealing->progress() + "; the root is open");
  };
  change_root<Opened>("opened", work, then);
}

/// The other KMS that hold a share of ours, for as long as we are sealed.
void Node::ask_peers()
{
  loop_.cancel(peers_timer_);
  if (!unsealing_ || settings().custodian_peers.empty()) return;
  // What kept the root closed although there were enough may be over.
  if (unsealing_->complete() && changing_.empty()) open_when_complete([](const auto&) {});
  for (const kms::CustodianPeer& peer :
       peers_to_ask(settings().custodian_peers, unsealing_->document().in, asking_))
    ask(peer);
  peers_timer_ = loop_.after(ask_peers_again, [this] { ask_peers(); });
}

Result<PeerLink>
Node::link_to(const std::string& url, const kms::Policy& policy, const std::string& vm_config)
{
  const PeerNeeds needs{on_.agent, prove_, outside_.decide, policy, vm_config, sys::now()};
  return PeerLink::open(TRY(kmsclient::parse_url(url)), needs);
}

void Node::ask(const kms::CustodianPeer& peer)
{
  const auto work = [this, state = state_, cluster = public_root_->cluster,
                     peer]() -> Result<std::string> {
    const std::string vm_config = TRY(on_.agent.vm_config());
    auto link = TRY(link_to(peer.url, *state->policy, vm_config));
    codec::Json asked;
    asked.set("cluster", hex(cluster)).set("vm_config", vm_config);
    const std::string body = TRY(link.call("Custody.Release", asked));
    return TRY(codec::parse_json(body)).need_string("share");
  };
  asking_.insert(peer.url);
  offload<std::string>(work, [this, peer](Result<std::string> share) {
    asking_.erase(peer.url);
    if (!unsealing_) return;
    if (!share) return log_.warning("custody", share.error().message(), {{"peer", peer.name}});
    add_share(to_bytes(*share), peer.url, [](const Result<std::string>&) {});
  });
}

} // namespace dstack::kmsnode
