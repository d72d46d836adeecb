#include "agents/kms/node.hpp"

#include "agents/kms/version.hpp"
#include "sys/clock.hpp"
#include "sys/threads.hpp"
#include "x509/certificate.hpp"

#include <algorithm>

namespace dstack::kmsnode {

using codec::Json;

namespace {

constexpr unsigned least_workers = 8; // some wait for the disk or a webhook

} // namespace

Node::Node(sys::Loop& loop, Foundation foundation, launch::Log log)
    : loop_(loop), on_(std::move(foundation)), log_(std::move(log)), vault_(on_.options.directory)
{
}

Node::~Node()
{
  pool_.reset();
  for (const auto timer : {reload_timer_, refresh_timer_, peers_timer_})
    loop_.cancel(timer);
}

Result<std::unique_ptr<Node>> Node::create(sys::Loop& loop, Foundation foundation, launch::Log log)
{
  std::unique_ptr<Node> out{new Node{loop, std::move(foundation), std::move(log)}};
  TRY(out->open());
  out->arrange();
  out->make_outside();
  const kms::ServerBounds& bounds = out->settings().limits;
  sys::WorkerLimits limits;
  limits.threads = static_cast<unsigned>(bounds.workers);
  if (limits.threads == 0) limits.threads = std::max(least_workers, 2 * sys::processor_count());
  limits.max_queue = bounds.queue;
  out->pool_ = TRY(sys::WorkerPool::create(loop, limits));
  return out;
}

Status Node::open()
{
  public_root_ = TRY(vault_.read_public());
  custody_ = TRY(vault_.read_custody());
  audit_ = TRY(AuditFile::open(below(settings().audit_file)));
  replication_ =
      std::make_unique<vault::ReplicationFile>(below(std::string{vault::replication_log_name}));
  keeper_ = TRY(RootKeeper::create(loop_));
  return ok();
}

void Node::arrange()
{
  arrangement_.domains = settings().domains;
  arrangement_.development = settings().development;
  arrangement_.self_authorization = settings().self_authorization;
  arrangement_.release_sev_snp = settings().release_sev_snp;
  kmsapi::State first;
  first.policy = on_.policy.policy;
  first.policy_digest = on_.policy.digest;
  set(std::move(first));
}

IdentityRequest Node::identity_request() const
{
  return {settings().domains, settings().attest_rpc_certificate, sys::now()};
}

void Node::record(std::string event, std::string reason)
{
  kms::AuditRecord record;
  record.event = std::move(event);
  record.reason = std::move(reason);
  write_down(std::move(record));
}

/// The same for what somebody wanted and did not get.
void Node::refuse(std::string event, std::string reason)
{
  kms::AuditRecord record;
  record.event = std::move(event);
  record.reason = std::move(reason);
  record.allowed = false;
  write_down(std::move(record));
}

void Node::write_down(kms::AuditRecord record)
{
  if (!state_->policy_digest.empty()) record.details.emplace_back("policy", state_->policy_digest);
  const Status written = audit_->append(record, sys::now());
  if (!written) log_.error("audit", written.error().message());
}

Result<Node::Opened> Node::prepare(vault::OpenRoot root, const kms::Policy& policy)
{
  Opened out;
  const keys::RootKeys& keys = root.material.root;
  TRY(replication_->open(root.open.k256, keys.k256, sys::now()).within("replication log"));
  out.identity = TRY(rpc_identity(on_.agent, prove_, policy, keys.ca, identity_request()));
  out.bootstrap_info = vault_.bootstrap_info();
  out.root = keeper_->keep(std::move(root));
  return out;
}

Result<Node::Sealed> Node::prepare_sealed(const kms::Policy& policy, const vault::PublicRoot& shown)
{
  Sealed out;
  out.identity = TRY(sealed_identity(on_.agent, prove_, policy, identity_request()));
  if (custody_->provider == vault::Provider::quorum)
    out.unsealing = TRY(Unsealing::begin(on_.agent, prove_, policy, shown, *custody_));
  return out;
}

Status Node::serve_with(const ServerIdentity& identity, std::string client_ca_pem)
{
  net::TlsServerSettings settings;
  settings.chain_pem = identity.chain_pem;
  settings.key_pem = identity.key_pem;
  settings.client_ca_pem = std::move(client_ca_pem);
  tls_ = TRY(net::TlsServer::create(settings));
  self_at_ = sys::now().seconds();
  return ok();
}

Status Node::install(Opened opened, std::uint64_t generation)
{
  TRY(serve_with(opened.identity, x509::to_pem(opened.root->open.temp_ca)));
  kmsapi::State next = *state_;
  next.root = std::move(opened.root);
  next.self = opened.identity.self;
  next.bootstrap_info = {};
  if (opened.bootstrap_info)
    next.bootstrap_info = *std::move(opened.bootstrap_info);
  else if (opened.bootstrap_info.error().code() != Errc::not_found)
    log_.warning("node", "not told of in GetMeta: " + opened.bootstrap_info.error().message());
  public_root_ = next.root->open;
  set(std::move(next));
  unsealing_.reset();
  installed(generation);
  return ok();
}

Status Node::install(Sealed sealed, std::uint64_t generation)
{
  TRY(serve_with(sealed.identity, ""));
  kmsapi::State next = *state_;
  next.root.reset();
  next.self = sealed.identity.self;
  set(std::move(next));
  unsealing_ = std::move(sealed.unsealing);
  installed(generation);
  return ok();
}

void Node::installed(std::uint64_t generation)
{
  const bool outdated = generation != generation_;
  ++generation_;
  if (outdated) refresh_self();
}

Status Node::start()
{
  const bool asks = custody_->provider == vault::Provider::passphrase;
  const SecretBytes secret = asks ? TRY(read_passphrase(on_)) : SecretBytes{};
  if (secret.empty()) {
    TRY(install(TRY(prepare_sealed(*state_->policy, *public_root_)), generation_));
    record("start", "sealed");
    ask_peers();
    return ok();
  }
  vault::OpenRoot root = TRY(vault_.open(secret, sys::now().seconds()));
  TRY(install(TRY(prepare(std::move(root), *state_->policy)), generation_));
  record("start", "open");
  return ok();
}

codec::Json Node::status() const
{
  Json out;
  out.set("schema", "dstack.kms.status/1").set("version", product_version);
  out.set("sealed", sealed()).set("provider", vault::name_of(custody_->provider));
  out.set("development", settings().development);
  if (unsealing_) out.set("unseal", kmsapi::to_json(unsealing_->document()));
  out.set("cluster", hex(public_root_->cluster));
  out.set("key_provider_id", hex(public_root_->ca_spki));
  out.set("k256_pubkey", hex(public_root_->k256));
  out.set("epoch",
          state_->root ? state_->root->open.current_epoch() : public_root_->current_epoch());
  out.set("policy", Json{}
                        .set("file", below(settings().policy_file).string())
                        .set("sha256", state_->policy_digest)
                        .set("problem", policy_problem_));
  Json self;
  if (state_->self) {
    self = kms::to_record(**state_->self);
    self.set("attested_at", self_at_);
  } else {
    self.set("problem", state_->self.error().message());
  }
  out.set("self", std::move(self));
  const kms::AuditHead head = audit_->head();
  out.set("audit", Json{}
                       .set("lines", head.lines)
                       .set("hash", hex(head.hash))
                       .set("left_out", audit_->left_out()));
  return out;
}

} // namespace dstack::kmsnode
